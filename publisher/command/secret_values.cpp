#include "publisher/command/secret_values.hpp"

#include <fmt/format.h>

#include "proto/wire/names.hpp"

namespace prismbus::command {
namespace {

constexpr std::chrono::seconds kAskAgain{1};  // not for each of many namespaces while the broker is away

Outcome<SecretValues::Rows> ask_broker(Session& session, const std::string& under) {
  if (!session.hello().sealed) return SecretValues::Rows();
  session.start_over();
  auto answer = session.wait(session.publisher().namespaces(under, session.read()), "namespaces");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  return SecretValues::Rows(std::move(answer->value));
}

}  // namespace

SecretValues::SecretValues(Session& session, Secrecy about, Terminal& terminal)
    : SecretValues([&session](const std::string& under) { return ask_broker(session, under); },
                   std::move(about), terminal) {}

SecretValues::SecretValues(const Globals& globals, Secrecy about, Terminal& terminal)
    : SecretValues(
          [&globals](const std::string& under) -> Outcome<Rows> {
            auto session = Session::open(globals);
            if (!session) return tl::unexpected<Failure>(session.error());
            return ask_broker(*session, under);
          },
          std::move(about), terminal) {}

std::optional<bool> SecretValues::known(const std::string& ns) const {
  if (about_.reveal || none_ || is_system_namespace(ns)) return false;
  const auto at = secret_.find(ns);
  return at == secret_.end() ? std::nullopt : std::optional(at->second);
}

Outcome<void> SecretValues::learn(const std::string& under) {
  asked_ = true;
  const auto rows = ask_(under);
  if (!rows) return tl::unexpected<Failure>(rows.error());
  none_ = !*rows;
  if (none_) return {};
  for (const NamespaceRow& row : **rows) secret_.insert_or_assign(row.ns, row.secret);
  return {};
}

Outcome<bool> SecretValues::is_secret(const std::string& ns) {
  if (const auto secret = known(ns)) return *secret;
  const bool again = asked_;
  auto done = learn(again ? ns : about_.ns);
  if (done && !again && !known(ns) && about_.ns != ns) done = learn(ns);
  if (!done) return tl::unexpected<Failure>(done.error());
  if (const auto secret = known(ns)) return *secret;
  Error e;
  e.code = ErrorCode::not_found;
  e.message = fmt::format("whether {} is secret is known only when it has been written", ns);
  return failed(e);
}

Shown SecretValues::shown(const std::string& ns) {
  if (const auto secret = known(ns)) return *secret ? Shown::masked : Shown::as_it_is;
  const auto now = std::chrono::steady_clock::now();
  if (failure_ && now - failed_at_ < kAskAgain) return Shown::masked;
  failure_.reset();
  const auto secret = is_secret(ns);
  if (secret) return *secret ? Shown::masked : Shown::as_it_is;
  failure_ = secret.error();
  failed_at_ = std::chrono::steady_clock::now();
  terminal_->out.flush();
  terminal_->err << fmt::format("prismbus: {}: values are masked (--reveal shows them): {}\n", about_.command,
                                printable(failure_->error.message))
                 << std::flush;
  return Shown::masked;
}

Outcome<void> SecretValues::require_shown(const std::string& ns, std::string_view instead) {
  const auto secret = is_secret(ns);
  if (secret && !*secret) return {};
  if (!secret) {
    Failure f = secret.error();
    f.error.message =
        fmt::format("{}: whether {} is secret is not known, nothing was written; --reveal does not ask: {}",
                    about_.command, ns, f.error.message);
    return tl::unexpected<Failure>(std::move(f));
  }
  auto refused =
      misused("--reveal", fmt::format("needed: values of {} are secret; nothing was written{}", ns, instead));
  refused.value().error.ns = ns;
  return refused;
}

Option add_reveal(Command sub, bool& into) {
  return sub.flag("--reveal", into, "Show the values of secret namespaces too");
}

}  // namespace prismbus::command

#include "publisher/command/applied_wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "proto/wire/limits.hpp"
#include "publisher/command/terminal/terminal.hpp"

namespace prismbus::command {
namespace {

constexpr std::size_t kNamed = 3;  // instances named in the line; the rest is counted

std::string list_of(const std::vector<std::string>& items, std::size_t all) {
  std::string text = " (";
  for (std::size_t i = 0; i < items.size(); ++i) text += (i > 0 ? ", " : "") + printable(items[i]);
  if (all > items.size()) text += fmt::format(" and {} more", all - items.size());
  return text + ")";
}

std::string named(const std::vector<std::string>& instances) {
  if (instances.empty()) return "";
  const auto end = instances.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, instances.size()));
  return list_of({instances.begin(), end}, instances.size());
}

std::string reasons(const WaitAppliedReply& reply) {
  if (reply.reasons.empty()) return named(reply.rejected);
  std::vector<std::string> first;
  for (const auto& why : reply.reasons) {
    if (first.size() == kNamed) break;
    first.push_back(fmt::format("{}: {}: {}", why.instance, why.key, why.reason));
  }
  return list_of(first, reply.rejected.size());
}

// What a program has to know although the command failed: the write is there.
Fields written_facts(const WriteOutcome& written) {
  Fields facts;
  facts.hex("epoch", written.epoch.value()).field("rev", written.rev.value());
  facts.field("seq", written.seq.value()).field("version", written.version);
  return facts;
}

Value names_value(const std::vector<std::string>& names) {
  Value::Array out;
  for (const std::string& name : names) out.push_back(Value::text(name));
  return Value::array(std::move(out));
}

Value applied_facts(const WriteOutcome& written, const WaitAppliedReply& reply) {
  Value::Array reasons;
  for (const auto& why : reply.reasons) {
    Fields reason;
    reason.field("instance", why.instance).field("key", why.key).field("reason", why.reason);
    reasons.push_back(reason.take());
  }
  Fields facts = written_facts(written);
  facts.field("applied", std::uint64_t{reply.applied.size()});  // as when all goes well
  facts.field("rejected", names_value(reply.rejected)).field("silent", names_value(reply.silent));
  return facts.field("reasons", Value::array(std::move(reasons))).take();
}

}  // namespace

Outcome<AppliedWait> parse_applied_wait(std::string_view text) {
  if (text == "all") return AppliedWait{};
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || at != end || count == 0)
    return misused("--wait-applied", "is `all` or a number of at least 1");
  return AppliedWait{count};
}

std::string applied_text(const WaitAppliedReply& reply) {
  return fmt::format("{} applied, {} rejected{}, {} silent{}", reply.applied.size(), reply.rejected.size(),
                     reasons(reply), reply.silent.size(), named(reply.silent));
}

Outcome<WaitAppliedReply> await_applied(const AppliedWait& wait, std::string_view ns,
                                        const WriteOutcome& written, Session& session,
                                        std::string_view context) {
  const auto left =
      std::min(session.read().timeout.value_or(limits::kWaitAppliedMax), limits::kWaitAppliedMax);
  ReadCall call;
  call.epoch = written.epoch;
  auto answer = session.wait(session.publisher().wait_applied(ns, written.seq, left, wait.count, call));
  if (!answer) {
    Failure failure = answer.error();
    failure.exit = Exit::not_applied;
    failure.error.message = fmt::format("{}: written as rev {}, but who applied it is not known: {}", context,
                                        written.rev.value(), failure.error.message);
    failure.facts = written_facts(written).take();
    return tl::unexpected<Failure>(std::move(failure));
  }
  const WaitAppliedReply& reply = answer->value;
  const bool enough =
      wait.count ? reply.applied.size() >= *wait.count : reply.rejected.empty() && reply.silent.empty();
  if (enough) return std::move(answer->value);
  const auto code = reply.rejected.empty() ? ErrorCode::timeout : ErrorCode::rejected;
  const std::string said =
      fmt::format("{}: written as rev {}: {}", context, written.rev.value(), applied_text(reply));
  Failure failure{Exit::not_applied, error_of(code, said), applied_facts(written, reply)};
  return tl::unexpected<Failure>(std::move(failure));
}

}  // namespace prismbus::command

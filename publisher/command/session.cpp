#include "publisher/command/session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proto/wire/limits.hpp"

namespace prismbus::command {
namespace {

constexpr std::chrono::milliseconds kRevisionWait = limits::kMinRevWait + std::chrono::milliseconds(500);

}  // namespace

ClientIdentity command_identity() {
  ClientIdentity id;
  id.name = "prismbus";
  id.version = PRISMBUS_VERSION;
  return id;
}

tl::unexpected<Failure> unreachable(const Globals& globals) {
  std::string brokers;
  for (const std::string& b : globals.brokers) brokers += (brokers.empty() ? "" : ", ") + b;
  Failure f;
  f.exit = Exit::unreachable;
  f.error.code = ErrorCode::unavailable;
  f.error.message =
      fmt::format("no broker answered at {} within {:g} s (--broker, PRISMBUS_BROKER, --timeout)", brokers,
                  static_cast<double>(globals.timeout.count()) / 1000);
  return tl::unexpected<Failure>(std::move(f));
}

Session::Session(std::unique_ptr<Publisher> publisher, std::chrono::milliseconds timeout)
    : publisher_(std::move(publisher)),
      timeout_(timeout),
      deadline_(std::chrono::steady_clock::now() + timeout) {}

Outcome<Session> Session::open(const Globals& globals) {
  PublisherOptions options;
  options.brokers = globals.brokers;
  options.client = command_identity();
  options.credentials = globals.credentials;
  options.end_when_refused = true;
  auto publisher = Publisher::open(std::move(options));
  if (!publisher) return misused("--broker", publisher.error().message);
  Session session(std::move(*publisher), globals.timeout);
  auto hello = session.publisher().hello(session.read()).get();
  if (!hello) {
    const bool silent =
        hello.error().code == ErrorCode::unavailable || hello.error().code == ErrorCode::timeout;
    if (silent) return unreachable(globals);
    return failed(hello.error(), "hello");
  }
  session.hello_ = std::move(hello->value);
  session.epoch_ = hello->epoch;
  session.rev_ = hello->rev;
  return session;
}

Outcome<void> Session::await_revision(Revision rev, const std::string& ns, const std::string& key) {
  if (rev <= rev_) return {};
  ReadCall call = read();
  call.min_rev = rev;
  call.timeout = std::min(*call.timeout, kRevisionWait);
  const auto reached = publisher_->get(ns, key, std::move(call)).get();
  if (reached || reached.error().code == ErrorCode::not_found) return {};
  const bool behind =
      reached.error().code == ErrorCode::unavailable || reached.error().code == ErrorCode::timeout;
  if (!behind) return failed(reached.error());
  Error e;
  e.code = ErrorCode::unavailable;
  e.message = fmt::format("the broker is at rev {} and has not reached rev {}; nothing was changed",
                          rev_.value(), rev.value());
  return failed(e);
}

std::chrono::milliseconds Session::left() const {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}
ReadCall Session::read() const {
  ReadCall call;
  call.timeout = left();
  return call;
}
WriteCall Session::write() const {
  WriteCall call;
  call.timeout = left();
  return call;
}
void Session::start_over() {
  deadline_ = std::chrono::steady_clock::now() + timeout_;
}

}  // namespace prismbus::command

// Questions on the caller's own thread, against a ROUTER that a thread of the test serves: an answer, a
// refused token at the start and later, a token that was renewed meanwhile.
#include "subscriber/inquiry.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "subscriber/replay.hpp"
#include "tests/unit/proto/transport/fake_request_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

constexpr auto kTimeout = 60s;  // of a question: what ends "at its timeout" ends the test too
constexpr auto kAtOnce = 20s;   // far below it, far above what a refusal takes on a busy machine

// A broker that takes `hello`, or does not; every other request is refused as it would be on a connection
// that never said hello.
class Door {
 public:
  Door() : thread_([this] { run(); }) {}
  ~Door() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] ConnectionOptions options() const {
    ConnectionOptions options;
    options.brokers = {door_.endpoint()};
    return options;
  }
  std::atomic<std::optional<ErrorCode>> refuses{std::nullopt};

 private:
  void run() {
    while (!stop_) {
      while (const auto received = door_.receive()) answer(*received);
      std::array<zmq_pollitem_t, 1> items{{{door_.pollable(), 0, ZMQ_POLLIN, 0}}};
      poll_sockets(items, 1ms);
    }
  }
  void answer(const FakeRequestDoor::Received& received) {
    const std::optional<ErrorCode> code = refuses;
    if (!std::holds_alternative<HelloRequest>(received.request.body)) {
      return door_.reply_error(received, code.value_or(ErrorCode::not_found));
    }
    code ? door_.reply_error(received, *code) : door_.reply_hello(received);
  }

  Context context_;
  FakeRequestDoor door_{context_};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::chrono::steady_clock::time_point now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

TEST_CASE("a token that is refused ends the opening of an inquiry, and of a replay, at once") {
  Door door;
  door.refuses = ErrorCode::unauthenticated;
  const auto began = now();
  const auto inquiry = Inquiry::open(door.options(), kTimeout, {});
  REQUIRE_FALSE(inquiry);
  CHECK(inquiry.error().code == ErrorCode::unauthenticated);
  ReplayOptions options;
  options.brokers = door.options().brokers;
  options.ns = "fees";
  options.timeout = kTimeout;
  const auto replay = Replay::open(options);
  REQUIRE_FALSE(replay);
  CHECK(replay.error().code == ErrorCode::unauthenticated);
  CHECK(now() - began < kAtOnce);
}

TEST_CASE("a token that ends between two questions ends the question at once; a renewed one goes on") {
  Door door;
  auto inquiry = Inquiry::open(door.options(), kTimeout, {});
  REQUIRE(inquiry);
  GetRequest get;
  get.ns = "fees";
  get.key = "k";
  const auto ask = [&] { return (*inquiry)->ask(get).error().code; };
  CHECK(ask() == ErrorCode::not_found);
  door.refuses = ErrorCode::unauthenticated;
  const auto began = now();
  CHECK(ask() == ErrorCode::unauthenticated);
  CHECK(ask() == ErrorCode::unauthenticated);
  door.refuses = std::nullopt;
  CHECK(ask() == ErrorCode::not_found);
  CHECK(now() - began < kAtOnce);
}

TEST_CASE("a broker that is only overloaded is asked again until the time is over") {
  Door door;
  door.refuses = ErrorCode::overloaded;
  const auto began = now();
  const auto inquiry = Inquiry::open(door.options(), 500ms, {});
  REQUIRE_FALSE(inquiry);
  CHECK(inquiry.error().code == ErrorCode::overloaded);
  CHECK(now() - began >= 500ms);
}

// Admission: numbers for everybody, and refusal while descriptors are short.
#include "broker/net/zap_handler.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/broker/net/door_fixture.hpp"

using namespace prismbus;
using namespace prismbus::test;

TEST_CASE("a context has one admission: a second handler is refused") {
  Context context;
  const auto first = ZapHandler::bind(context, 1000);
  REQUIRE(first.has_value());
  CHECK_FALSE(ZapHandler::bind(context, 1000).has_value());
}

TEST_CASE("without an admission handler nobody is let in") {
  Context context, clients;
  RequestDoor door(context, {});
  const std::string endpoint = *door.bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
  Peer peer(clients, ZMQ_DEALER, endpoint);
  peer.send({"", "anybody there?"});
  Recorder recorder;
  // A condition that must not become true has no event to wait for: half a second of trying.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < until) door.receive(10, 1000, recorder);
  CHECK(recorder.requests.empty());
}

TEST_CASE(
    "while descriptors are short connections are refused, and their clients get in when some are free "
    "again") {
  constexpr std::uint64_t kLimit = 400;  // refused from 336 on: the margin is 64
  std::vector<int> taken;
  Context context, clients;
  RunningAdmission admission(context, kLimit);
  RequestDoor door(context, {});
  const std::string endpoint = *door.bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
  while (taken.empty() || taken.back() < 340) taken.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Peer peer(clients, ZMQ_DEALER, endpoint);
  peer.send({"", "let me in"});
  Recorder recorder;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < until) door.receive(10, 1000, recorder);
  CHECK(recorder.requests.empty());
  for (const int fd : taken) ::close(fd);
  CHECK(eventually([&] {
    door.receive(10, 1000, recorder);
    return recorder.requests.size() == 1;
  }));
}

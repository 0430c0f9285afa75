// What both kinds of sockets share: who speaks, and when it has to end.
#include "tests/unit/broker/gateway/live/live_bench.hpp"

using namespace prismbus;
using namespace prismbus::testing;

namespace {

constexpr std::chrono::seconds kSecond{1};

std::shared_ptr<const Principal> until(Wall expires) {
  auto principal = std::make_shared<Principal>(*everybody());
  principal->expires = expires;
  principal->token_hash = std::string(64, 'a');
  return principal;
}

}  // namespace

TEST_CASE("nothing is read before its principal is known, and a refused token ends it with 4401") {
  Bench bench;
  bench.sockets.push_back(std::make_unique<Socket>(bench.desk, SocketClient{}, "bad"));
  Socket& socket = *bench.sockets.back();
  CHECK_FALSE(socket.talk.takes_text());
  socket.step();
  const codec::ReplyHead head{MessageId(), Epoch(5), Revision(1)};
  socket.talk.on_reply(codec::encode_error_reply(head, error_of(ErrorCode::unauthenticated, "no")),
                       bench.now);
  REQUIRE(socket.talk.closing());
  CHECK(socket.talk.closing()->code == 4401);
  CHECK(code_of(socket.take(bench.now)) == "unauthenticated");  // told first
  CHECK_FALSE(socket.talk.takes_text());
}

TEST_CASE("another refusal of the first hello is no matter of its token") {
  Bench bench;
  bench.sockets.push_back(std::make_unique<Socket>(bench.desk));
  Socket& socket = *bench.sockets.back();
  socket.step();
  const codec::ReplyHead head{MessageId(), Epoch(5), Revision(1)};
  socket.talk.on_reply(codec::encode_error_reply(head, overloaded("later", 5)), bench.now);
  CHECK(socket.talk.closing()->code == close_code::kPolicy);
}

TEST_CASE("a token that has ended, or is revoked, ends it with what waits unsent (I10)") {
  Bench bench;
  const bool revoked = GENERATE(false, true);
  Socket& socket = bench.open(until(bench.now.wall));
  bench.say(socket, R"({"type":"subscribe","id":1,"ns":"a","snapshot":false})");
  bench.drain(socket);
  for (int n = 0; n < 3; ++n) bench.write({{"a", {"k"}}});
  bench.fetch();
  socket.talk.tick(bench.now);
  REQUIRE_FALSE(socket.talk.closing());
  if (revoked) {
    auto revocations = std::make_shared<Revocations>();
    revocations->set("token/" + std::string(64, 'a'), {});
    auto rules = std::make_shared<AccessRules>();
    rules->revoked = std::move(revocations);
    bench.channel.on_rules(rules);
    bench.write({{"a", {"hidden"}}});
    bench.fetch();
  } else {
    bench.now.wall += Principal::kLeeway + kSecond;
    socket.talk.tick(bench.now);
  }
  REQUIRE(socket.talk.closing());
  CHECK(socket.talk.closing()->code == 4401);
  bench.write({{"a", {"hidden"}}});
  bench.fetch();
  CHECK(glance(bench.drain(socket)) == std::vector<std::string>{"change 1"});  // was on its way
}

TEST_CASE("who does not read for ten seconds is too slow; who reads a piece in time is not") {
  Bench bench;
  Socket& socket = bench.open();
  bench.say(socket, R"({"type":"pause","id":1})");
  bench.say(socket, R"({"type":"pause","id":1})");
  bench.now.steady += SocketTalk::kSlowMax;
  socket.talk.tick(bench.now);
  CHECK_FALSE(socket.talk.closing());
  socket.talk.outbox().moves(bench.now.steady);
  bench.now.steady += SocketTalk::kSlowMax;
  socket.talk.tick(bench.now);
  CHECK_FALSE(socket.talk.closing());
  bench.now.steady += kSecond;
  socket.talk.tick(bench.now);
  REQUIRE(socket.talk.closing());
  CHECK(socket.talk.closing()->code == 4408);
  (void)socket.take(bench.now);
  CHECK(socket.talk.outbox().empty());  // but the one on its way all is dropped
  bench.now.steady += std::chrono::hours(1);
  Socket& idle = bench.open();
  bench.now.steady += std::chrono::hours(1);
  idle.talk.tick(bench.now);
  CHECK_FALSE(idle.talk.closing());
}

TEST_CASE("why it is closed fits a close frame and stays UTF-8; the first reason counts") {
  Bench bench;
  Socket& socket = bench.open();
  std::string text = "x";
  while (text.size() < 200) text += "\u20ac";
  socket.talk.close(1008, text);
  socket.talk.close(1001, "later");
  CHECK(socket.talk.closing()->code == 1008);
  CHECK(socket.talk.closing()->text == text.substr(0, 121));  // 1 and 40 times 3 of 123 bytes
}

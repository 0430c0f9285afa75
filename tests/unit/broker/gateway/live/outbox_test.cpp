#include "broker/gateway/live/outbox.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

Steady at(int seconds) {
  return Steady(std::chrono::seconds(seconds));
}
SharedText text(std::size_t bytes) {
  return std::make_shared<const std::string>(bytes, 'x');
}

}  // namespace

TEST_CASE("an outbox is full by messages or by bytes, and half of it is for what cannot wait (I8)") {
  std::size_t alone = 0;
  Outbox out(alone);
  CHECK(out.has_spare_room());
  for (std::size_t n = 0; n < Outbox::kMessagesMax; ++n) {
    CHECK(out.has_spare_room() == (n < Outbox::kMessagesMax / 2));
    REQUIRE(out.has_room());
    out.push({"x", nullptr}, at(1));
  }
  CHECK_FALSE(out.has_room());
  out.pop(at(1));
  CHECK(out.has_room());

  Outbox heavy(alone);
  heavy.push({"", text(Outbox::kBytesMax / 2)}, at(1));
  CHECK_FALSE(heavy.has_spare_room());
  CHECK(heavy.has_room());
  heavy.push({"x", text(Outbox::kBytesMax / 2)}, at(1));
  CHECK_FALSE(heavy.has_room());
  CHECK(heavy.bytes() == Outbox::kBytesMax + 1);
  heavy.clear_behind_front();
  CHECK(heavy.bytes() == Outbox::kBytesMax / 2);
  CHECK(heavy.front().body->size() == Outbox::kBytesMax / 2);
  heavy.pop(at(1));
  CHECK(heavy.empty());
  CHECK(heavy.bytes() == 0);
  heavy.clear_behind_front();
  CHECK(heavy.empty());
}

TEST_CASE("it moves with its first message, with each piece that went out, and with each that is done") {
  std::size_t alone = 0;
  Outbox out(alone);
  out.push({"a", nullptr}, at(1));
  out.push({"b", nullptr}, at(2));
  CHECK(out.moved() == at(1));
  out.moves(at(3));
  CHECK(out.moved() == at(3));
  out.pop(at(4));
  CHECK(out.moved() == at(4));
  CHECK(out.front().head == "b");
}

TEST_CASE(
    "what no other socket shares is counted for all of them, until it is sent, thrown away or gone (I8)") {
  std::size_t alone = 0;
  const SharedText shared = text(1000);
  {
    Outbox one(alone), other(alone);
    one.push({"abc", shared}, at(1));
    other.push({"abcd", shared}, at(1));
    CHECK(alone == 7);  // the heads
    one.push({"ab", text(100)}, at(1));
    one.push({std::string(50, 'x'), nullptr}, at(1));
    CHECK(alone == 7 + 102 + 50);
    one.pop(at(2));
    CHECK(alone == 4 + 102 + 50);
    one.clear_behind_front();
    CHECK(alone == 4 + 102);
  }
  CHECK(alone == 0);
}

#include "broker/gateway/live/notification_talk.hpp"

#include "tests/unit/broker/gateway/live/live_bench.hpp"

using namespace prismbus;
using namespace prismbus::testing;

namespace {

struct Hearer final : SocketDriver {
  std::size_t alone = 0;
  NotificationTalk talk{std::nullopt, alone};
  AccessRulesPtr rules = std::make_shared<const AccessRules>();
  Now now{Steady(std::chrono::hours(1)), from_micros(7)};

  explicit Hearer(std::shared_ptr<const Principal> principal = everybody()) {
    talk.set_driver(*this);
    greet(std::move(principal));
  }
  void step() override {}
  void greet(std::shared_ptr<const Principal> principal) {
    REQUIRE_FALSE(talk.take_request().empty());
    talk.on_greeted(std::move(principal), rules);
    talk.on_reply(codec::begin_reply({MessageId(), Epoch(5), Revision(1)}, 0), now);
  }
  std::vector<Value> take_all() {
    std::vector<Value> all;
    while (!talk.outbox().empty()) {
      all.push_back(*from_json(talk.outbox().front().head));
      talk.outbox().pop(now.steady);
      talk.on_sent(now);
    }
    return all;
  }
};

}  // namespace

TEST_CASE("only who administers everything hears; another token may take that away") {
  Hearer reader_only(reader({"**"}, std::make_shared<const AccessRules>()));
  REQUIRE(reader_only.talk.closing());
  CHECK(reader_only.talk.closing()->code == 4403);
  reader_only.talk.on_notice({}, reader_only.now);
  CHECK(reader_only.take_all().empty());

  Hearer admin;
  CHECK_FALSE(admin.talk.closing());
  admin.talk.on_text(R"({"type":"token","token":"less"})", admin.now);
  admin.greet(reader({"**"}, admin.rules));
  REQUIRE(admin.talk.closing());
  CHECK(admin.talk.closing()->code == 4403);
  admin.talk.on_notice({}, admin.now);
  admin.talk.on_missed(5, admin.now);
  admin.talk.on_store(false, admin.now);
  CHECK(admin.take_all().empty());
}

TEST_CASE("each notice as section 8 has it") {
  Hearer admin;
  Notice notice;
  notice.what = Notice::What::rejected, notice.time = from_micros(9);
  notice.principal = "p", notice.instance = "i", notice.name = "n";
  notice.ns = "a", notice.seq = Seq(3), notice.key = "k", notice.reason = "why";
  admin.talk.on_notice(notice, admin.now);
  Notice refused;
  refused.what = Notice::What::refused, refused.from = "1.2.3.4", refused.op = "get",
  refused.code = "permission_denied";
  refused.names = {"a", "b"};
  admin.talk.on_notice(refused, admin.now);
  admin.talk.on_store(true, admin.now);  // as it was
  admin.talk.on_store(false, admin.now);
  admin.talk.on_store(false, admin.now);
  const auto told = admin.take_all();
  REQUIRE(told.size() == 3);
  CHECK(
      to_json(told[0]) ==
      R"({"type":"rejected","time":9,"principal":"p","instance":"i","name":"n","ns":"a","seq":3,"key":"k","reason":"why"})");
  CHECK(
      to_json(told[1]) ==
      R"({"type":"refused","time":0,"from":"1.2.3.4","op":"get","code":"permission_denied","ns":["a","b"]})");
  CHECK(to_json(told[2]) == R"({"type":"store","time":7,"takes_writes":false})");
}

TEST_CASE("what finds no room is counted and told in its place (I8)") {
  Hearer admin;
  for (std::size_t n = 0; n < Outbox::kMessagesMax + 5; ++n) admin.talk.on_notice({}, admin.now);
  admin.talk.on_missed(10, admin.now);
  admin.talk.outbox().pop(admin.now.steady);
  admin.talk.on_sent(admin.now);
  admin.talk.on_notice({}, admin.now);
  const auto told = admin.take_all();
  std::uint64_t missed = 0, heard = 1;
  for (const Value& message : told) {
    if (type_of(message) == "missed") {
      missed += number_of(message, "notifications");
    } else {
      ++heard;
    }
  }
  CHECK(missed + heard == Outbox::kMessagesMax + 16);
  CHECK(missed >= 15);
}

TEST_CASE("its client says token, and is told of anything else") {
  Hearer admin;
  admin.talk.on_text(R"({"type":"pause","id":4})", admin.now);
  admin.talk.on_text("{", admin.now);
  const auto told = admin.take_all();
  REQUIRE(told.size() == 2);
  CHECK(code_of(told[0]) == "unsupported");
  CHECK(text_of(*told[1].find("error"), "field") == "message");
  CHECK(admin.talk.take_request().empty());
}

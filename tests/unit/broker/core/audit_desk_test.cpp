// What goes on from the bus to the audit file, and when there is no room for it.
#include "broker/core/audit_desk.hpp"

#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

struct Door final : ReplySink {
  void reply(const ReplyTo&, std::string) override {}
};

struct Desk : testing::Hall {
  // What the audit agent takes from its queue, which has room for one order.
  std::vector<AuditEntry> take() {
    std::vector<AuditOrder> taken;
    orders.drain(taken);
    std::vector<AuditEntry> entries;
    for (AuditOrder& order : taken) entries.insert(entries.end(), order.entries.begin(), order.entries.end());
    return entries;
  }
  void step() {
    now.steady += 1s;
    now.wall += 1s;
    (void)desk.step(now, false, [](const ReplyTo&, std::string_view) {});
  }

  Now now{Steady(1h), from_micros(1'790'000'000'000'000)};
  Door door;
  InFlight in_flight{PipelineSettings{}};
  Replier replier{door, Epoch(1), recent, store.journal, [](LogLevel, std::string_view) {}};
  BoundedQueue<AuditOrder> orders{1, nullptr};
  BoundedQueue<AuditOutcome> outcomes{1, nullptr};
  BoundedQueue<AuditEntry> news{4, nullptr};
  AuditDesk desk{{&orders, &outcomes, &news}, door, in_flight, replier};
};

}  // namespace

TEST_CASE("lines that found no room are told as lost, at the time they are told") {
  Desk desk;
  REQUIRE(desk.orders.try_push({}));
  for (std::size_t i = 0; i < AuditDesk::kUnsentMax + 7; ++i)
    desk.desk.note_refused_names({ConnectionId(1), {}, {}}, "p" + std::to_string(i), {"changes", {"a"}},
                                 desk.now);
  desk.step();
  REQUIRE(desk.take().empty());
  desk.step();
  CHECK(desk.take().size() == AuditDesk::kUnsentMax);
  desk.step();
  const auto told = desk.take();
  REQUIRE(told.size() == 1);
  CHECK(told[0].what == "lost");
  CHECK(told[0].times == 7);
  CHECK(told[0].time == desk.now.wall);
}

TEST_CASE("what other threads tell of the broker is told each time, whatever the quota says") {
  Desk desk;
  for (int n = 0; n < 3; ++n) {
    AuditEntry entry;
    entry.what = "client_list";
    REQUIRE(desk.news.try_push(std::move(entry)));
    desk.step();
    const auto told = desk.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].what == "client_list");
    CHECK(told[0].times == 1);
    CHECK(told[0].time == desk.now.wall);
  }
}

}  // namespace prismbus

#include "broker/gateway/live/live_channel.hpp"

#include <poll.h>

#include <thread>

#include "tests/unit/broker/gateway/live/fake_core.hpp"

using namespace prismbus;
using namespace prismbus::testing;

namespace {

TransactionPtr transaction(std::uint64_t rev, std::size_t note_bytes = 0) {
  auto txn = std::make_shared<StoredTransaction>();
  txn->rev = Revision(rev);
  if (note_bytes > 0) txn->note = std::string(note_bytes, 'n');
  return txn;
}
AccessRulesPtr rules() {
  return std::make_shared<const AccessRules>();
}

bool is_woken(const Waker& waker, std::chrono::milliseconds at_most) {
  pollfd ready{waker.fd(), POLLIN, 0};
  return ::poll(&ready, 1, static_cast<int>(at_most.count())) == 1;
}

struct Fetched {
  std::vector<std::uint64_t> revs;
  std::size_t rules = 0, notices = 0;
  std::uint64_t left_out = 0;
};
Fetched fetch(LiveChannel& channel) {
  std::vector<LiveEvent> events;
  Fetched out;
  out.left_out = channel.fetch(events).value();
  for (const LiveEvent& event : events) {
    if (event.txn) out.revs.push_back(event.txn->rev.value());
    out.rules += event.rules != nullptr;
    out.notices += event.notice != nullptr;
  }
  return out;
}

}  // namespace

TEST_CASE("transactions go through while somebody wants them; rules always") {
  LiveChannel channel(nullptr);
  channel.on_applied(transaction(1));
  channel.on_rules(rules());
  channel.open();
  channel.on_applied(transaction(2));
  channel.close();
  channel.on_applied(transaction(3));
  const Fetched out = fetch(channel);
  CHECK(out.revs == std::vector<std::uint64_t>{2});
  CHECK(out.rules == 1);
  CHECK(out.left_out == 0);  // nobody was there to miss 1 or 3
}

TEST_CASE("what finds no place is left out, and seen to be: by number and by bytes (I8)") {
  LiveChannel channel(nullptr);
  channel.open();
  const std::uint64_t most = LiveChannel::kEventsMax;
  for (std::uint64_t rev = 1; rev <= most + 2; ++rev) channel.on_applied(transaction(rev));
  Fetched out = fetch(channel);
  CHECK(out.revs.size() == most);
  CHECK(out.left_out == most + 2);
  const std::size_t big = LiveChannel::kBytesMax / 4;
  for (std::uint64_t rev = 1; rev <= 5; ++rev) channel.on_applied(transaction(most + 2 + rev, big));
  out = fetch(channel);
  CHECK(out.revs.size() < 5);
  CHECK(out.left_out == most + 7);
  channel.on_applied(transaction(most + 8, big));  // fetched is room again
  CHECK(fetch(channel).revs == std::vector<std::uint64_t>{most + 8});
}

TEST_CASE("who fetched just before hears of what is left out, though nothing else comes") {
  Waker waker;
  LiveChannel channel(&waker);
  channel.open();
  channel.on_applied(transaction(1, LiveChannel::kBytesMax - 10'000));
  waker.clear();
  channel.on_applied(transaction(2, 20'000));
  CHECK(is_woken(waker, std::chrono::milliseconds(0)));
  CHECK(fetch(channel).left_out == 2);
}

TEST_CASE("a queue full of changes has room for rules, and no change passes rules that have none (I10)") {
  LiveChannel channel(nullptr);
  channel.open();
  std::uint64_t rev = 0;
  while (rev <= LiveChannel::kEventsMax) channel.on_applied(transaction(++rev));
  channel.on_rules(rules());
  CHECK(fetch(channel).rules == 1);

  for (std::size_t n = 0; n < LiveChannel::kEventsMax + LiveChannel::kRulesMax + 1; ++n)
    channel.on_rules(rules());
  channel.on_applied(transaction(++rev));
  Fetched out = fetch(channel);
  CHECK(out.revs.empty());
  CHECK(out.left_out == rev);
  channel.on_applied(transaction(++rev));
  std::vector<LiveEvent> events;
  (void)channel.fetch(events);
  REQUIRE(events.size() == 2);
  CHECK(events[0].rules);  // the latest, before what it is to be judged by
  CHECK(events[1].txn);
}

TEST_CASE("notices come when somebody hears them; those without room are counted, once") {
  LiveChannel channel(nullptr);
  channel.on_notice({});
  channel.hear_notices(true);
  for (std::size_t n = 0; n < LiveChannel::kEventsMax + 3; ++n) channel.on_notice({});
  CHECK(fetch(channel).notices == LiveChannel::kEventsMax);
  CHECK(channel.take_missed_notices() == 3);
  CHECK(channel.take_missed_notices() == 0);
}

TEST_CASE("between two threads every revision comes, or is seen to be missing, in order") {
  Waker waker;
  LiveChannel channel(&waker);
  channel.open();
  constexpr std::uint64_t kMost = 200'000;
  std::thread bus([&] {
    for (std::uint64_t rev = 1; rev <= kMost; ++rev) {
      if (rev % 1000 == 0) channel.on_rules(rules());
      channel.on_applied(transaction(rev));
    }
  });
  std::uint64_t last = 0;
  while (last < kMost) {
    REQUIRE(is_woken(waker, std::chrono::seconds(20)));  // nothing is left out in silence
    waker.clear();
    const Fetched out = fetch(channel);
    for (const std::uint64_t rev : out.revs) {
      REQUIRE(rev > last);
      last = rev;
    }
    last = std::max(last, out.left_out);
  }
  bus.join();
  CHECK(last == kMost);
}

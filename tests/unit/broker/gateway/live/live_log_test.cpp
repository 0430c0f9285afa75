#include "broker/gateway/live/live_log.hpp"

#include "proto/json/json_value.hpp"
#include "tests/unit/broker/gateway/live/fake_core.hpp"

using namespace prismbus;
using namespace prismbus::testing;

TEST_CASE("a log covers what it holds without a gap, and forgets what was before one") {
  FakeCore core;
  for (int n = 0; n < 10; ++n) core.write({{"a", {"k"}}});
  LiveLog log;
  CHECK(log.covers(Revision(0)));  // nothing was fetched: all that comes, comes here
  CHECK_FALSE(log.last());
  log.add(core.at(Revision(3)));
  log.add(core.at(Revision(4)));
  CHECK(log.last() == Revision(4));
  CHECK_FALSE(log.covers(Revision(1)));
  CHECK(log.covers(Revision(2)));
  CHECK(log.next(Revision(2))->txn->rev == Revision(3));
  CHECK(log.next(Revision(3))->txn->rev == Revision(4));
  CHECK(log.next(Revision(4)) == nullptr);
  CHECK(log.next(Revision(9)) == nullptr);  // a reply of a later revision than was fetched
  log.add(core.at(Revision(7)));
  CHECK_FALSE(log.covers(Revision(5)));
  CHECK(log.covers(Revision(6)));
  log.miss(Revision(8));
  CHECK_FALSE(log.covers(Revision(7)));
  CHECK(log.covers(Revision(8)));
  CHECK(log.last() == Revision(8));
  CHECK(log.next(Revision(8)) == nullptr);
  log.add(core.at(Revision(9)));
  CHECK(log.next(Revision(8))->txn->rev == Revision(9));
}

TEST_CASE("a log is bounded by transactions (I8)") {
  FakeCore core;
  LiveLog log;
  for (std::size_t n = 0; n < LiveLog::kTransactionsMax + 5; ++n) {
    auto txn = std::make_shared<StoredTransaction>();
    txn->rev = Revision(n + 1);
    log.add(txn);
  }
  CHECK_FALSE(log.covers(Revision(4)));
  CHECK(log.covers(Revision(5)));
}

TEST_CASE("the text of a set is made once for all, and once for each glob that it matches in part") {
  FakeCore core;
  LiveLog log;
  const LiveSet& set = log.add(core.write({{"a", {"x/1", "x/2", "y/1"}}})).sets.front();
  const SharedText whole = set.text("");
  CHECK(set.text("") == whole);
  CHECK(set.text("*/*") == whole);
  CHECK(set.text("z/*") == nullptr);
  const SharedText part = set.text("x/*");
  CHECK(set.text("x/*") == part);
  CHECK(part != whole);
  const auto json = from_json("{" + *part);
  REQUIRE(json);
  CHECK(json->find("changes")->as<Value::Array>()->size() == 2);
  CHECK(from_json("{" + *whole)->find("changes")->as<Value::Array>()->size() == 3);
  CHECK(part->starts_with(R"("ns":"a",)"));
  CHECK(log.text_bytes() == whole->size() + part->size());
}

TEST_CASE("texts for many globs are not kept without a bound, and go with their transactions (I8)") {
  FakeCore core;
  LiveLog log;
  std::size_t most = 0;
  for (int n = 0; n < 6; ++n) {
    const LiveSet& set = log.add(core.write({{"a", {"x1", "x2", "y"}}}, 1 << 20)).sets.front();
    for (int glob = 0; glob < 100; ++glob) {
      const std::string pattern = "x" + std::string(static_cast<std::size_t>(glob), '*');
      REQUIRE(set.text(glob == 0 ? "x1" : pattern + "*")->size() > (1 << 20));
      most = std::max(most, log.text_bytes());
    }
    (void)set.text("");
  }
  CHECK(most > LiveLog::kTextBytesMax / 2);
  CHECK(log.text_bytes() < LiveLog::kTextBytesMax + (8 << 20));
  CHECK_FALSE(log.covers(Revision(0)));  // what held so much text has gone
  CHECK(log.covers(Revision(5)));
  log.clear();
  CHECK(log.text_bytes() == 0);
}

#include "broker/sequencer/local.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

// A sequencer whose journal is played by the test.
struct Desk {
  explicit Desk(LocalSequencerSettings settings = {})
      : sequencer(settings, Revision(10), to_journal, from_journal, [](LogLevel, std::string_view) {}) {}

  TransactionPtr submit(std::size_t bytes = 1) {
    auto txn = std::make_shared<StoredTransaction>();
    txn->rev = sequencer.next();
    txn->by = std::string(bytes, 'b');
    sequencer.submit(txn);
    return txn;
  }
  // Revisions of the batch that is with the journal; nothing = none is.
  std::optional<std::vector<std::uint64_t>> batch() {
    std::vector<JournalBatch> batches;
    if (to_journal.drain(batches) == 0) return std::nullopt;
    REQUIRE(batches.size() == 1);
    std::vector<std::uint64_t> revs;
    for (const auto& txn : batches[0]) revs.push_back(txn->rev.value());
    return revs;
  }
  std::optional<Progress> tell(Revision durable, std::optional<AppendFailure> failure = {}) {
    REQUIRE(from_journal.try_push({{}, durable, failure, {}}));
    return sequencer.poll(now);
  }
  using Revs = std::vector<std::uint64_t>;

  BoundedQueue<JournalBatch> to_journal{1, nullptr};
  BoundedQueue<JournalOutcome> from_journal{1, nullptr};
  LocalSequencer sequencer;
  Now now{Steady(std::chrono::hours(1)), {}};
};

using Revs = Desk::Revs;

}  // namespace

TEST_CASE("while one batch is being synced the next one gathers") {
  Desk desk;
  desk.submit();
  desk.sequencer.flush(desk.now);
  CHECK(desk.batch() == Revs{11});
  desk.submit();
  desk.submit();
  desk.sequencer.flush(desk.now);
  CHECK_FALSE(desk.batch());
  CHECK_FALSE(desk.sequencer.poll(desk.now));
  const auto progress = desk.tell(Revision(11));
  CHECK(progress->durable == Revision(11));
  CHECK_FALSE(progress->failure);
  desk.sequencer.flush(desk.now);
  CHECK(desk.batch() == Revs{12, 13});
}

TEST_CASE("a batch is capped in transactions and in bytes, but never empty") {
  LocalSequencerSettings settings;
  settings.batch_txns_max = 2;
  settings.batch_bytes_max = 5000;
  Desk desk(settings);
  for (const std::size_t bytes : {1, 1, 1, 9000, 1}) desk.submit(bytes);
  std::vector<Revs> batches;
  for (std::uint64_t durable = 10; durable < 15; durable = batches.back().back()) {
    if (!batches.empty()) desk.tell(Revision(durable));
    desk.sequencer.flush(desk.now);
    batches.push_back(*desk.batch());
  }
  CHECK(batches == std::vector<Revs>{{11, 12}, {13}, {14}, {15}});
}

TEST_CASE("what is not durable is bounded in bytes, committing included (I8)") {
  LocalSequencerSettings settings;
  settings.pending_bytes_max = 20'000;
  Desk desk(settings);
  CHECK(desk.sequencer.admit(19'000).has_value());
  desk.submit(12'000);
  CHECK(desk.sequencer.admit(9000).error().code == ErrorCode::overloaded);
  desk.sequencer.flush(desk.now);
  CHECK(desk.sequencer.admit(9000).error().retry_after_ms.has_value());
  desk.batch();
  desk.tell(Revision(11));
  CHECK(desk.sequencer.admit(9000).has_value());
}

TEST_CASE("a full disk drops everything after the durable revision, is probed, and heals (I1)") {
  Desk desk;
  desk.submit();
  desk.sequencer.flush(desk.now);
  desk.batch();
  desk.submit();
  const auto progress = desk.tell(Revision(10), AppendFailure::no_space);
  CHECK(progress->failure == CommitFailure::clean);
  CHECK(progress->durable == Revision(10));
  CHECK(desk.sequencer.read_only());
  CHECK(desk.sequencer.next() == Revision(11));
  CHECK(desk.sequencer.admit(1).error().code == ErrorCode::read_only);

  desk.sequencer.flush(desk.now);
  CHECK_FALSE(desk.batch());
  CHECK(desk.sequencer.next_deadline(desk.now) == desk.now.steady + std::chrono::milliseconds(500));
  desk.now.steady += std::chrono::milliseconds(500);
  desk.sequencer.flush(desk.now);
  CHECK(desk.batch() == Revs{});  // the probe
  CHECK(desk.tell(Revision(10), AppendFailure::no_space)->failure == CommitFailure::clean);
  desk.sequencer.flush(desk.now);
  CHECK_FALSE(desk.batch());
  desk.now.steady += std::chrono::milliseconds(500);
  desk.sequencer.flush(desk.now);
  CHECK(desk.batch() == Revs{});
  CHECK_FALSE(desk.tell(Revision(10)));
  CHECK(desk.sequencer.admit(1).has_value());
  CHECK_FALSE(desk.sequencer.read_only());
  desk.submit();
  desk.sequencer.flush(desk.now);
  CHECK(desk.batch() == Revs{11});
}

TEST_CASE("a full map refuses writes until a restart, unprobed") {
  Desk desk;
  desk.submit();
  desk.sequencer.flush(desk.now);
  desk.batch();
  CHECK(desk.tell(Revision(10), AppendFailure::map_full)->failure == CommitFailure::clean);
  desk.now.steady += std::chrono::hours(1);
  desk.sequencer.flush(desk.now);
  CHECK_FALSE(desk.batch());
  CHECK(desk.sequencer.admit(1).error().code == ErrorCode::read_only);
}

TEST_CASE("a revision that may be durable is never given again (I1)") {
  for (const AppendFailure failure : {AppendFailure::io, AppendFailure::unknown}) {
    Desk desk;
    desk.submit();
    desk.sequencer.flush(desk.now);
    desk.batch();
    desk.submit();
    CHECK(desk.tell(Revision(10), failure)->failure == CommitFailure::unknown);
    CHECK(desk.sequencer.next() == Revision(13));
    CHECK(desk.sequencer.admit(1).error().code == ErrorCode::unavailable);
    desk.now.steady += std::chrono::hours(1);
    desk.sequencer.flush(desk.now);
    CHECK_FALSE(desk.batch());
  }
}

TEST_CASE("batches that became durable are measured, neither failed ones nor questions") {
  Desk desk;
  const auto commit = [&](JournalOutcome outcome) {
    desk.submit();
    desk.sequencer.flush(desk.now);
    REQUIRE(desk.batch());
    REQUIRE(desk.from_journal.try_push(std::move(outcome)));
    (void)desk.sequencer.poll(desk.now);
  };
  using std::chrono::microseconds;
  commit({{}, Revision(11), std::nullopt, microseconds(300), false, 2, 500});
  commit({{}, Revision(12), std::nullopt, microseconds(700'000), false, 40, 5'000});
  commit({{}, Revision(12), AppendFailure::no_space, microseconds(900'000), false, 0, 0});
  const JournalMeter& meter = desk.sequencer.journal_meter();
  CHECK(meter.sync().count() == 2);
  CHECK(meter.sync().sum() == 700'300);
  CHECK(meter.changes().sum() == 42);
  CHECK(meter.bytes().sum() == 5'500);
  desk.now.steady += std::chrono::seconds(1);  // the journal is asked whether it can write again
  desk.sequencer.flush(desk.now);
  REQUIRE(desk.from_journal.try_push({{}, Revision(12), std::nullopt, microseconds(80)}));
  (void)desk.sequencer.poll(desk.now);
  CHECK(meter.sync().count() == 2);
}

}  // namespace prismbus

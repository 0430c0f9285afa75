// Recent alone: finds, heads, drops, snapshots.
#include "broker/store/recent.hpp"

#include <catch2/catch.hpp>

#include "broker/store/recent_run.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {

TEST_CASE("recent finds the newest change of a key, deletes included") {
  SampleHistory history(Epoch(1));
  Recent recent(Revision(0));
  recent.apply(history.put("a", "k", "one"));
  recent.apply(history.put("a", "k", "two"));
  recent.apply(history.put("a.b", "k", "other"));
  REQUIRE(recent.find("a", "k"));
  CHECK(recent.find("a", "k")->entry().value == text_value("two"));
  CHECK(recent.find("a", "k")->entry().version == 2);
  CHECK(recent.find("a.b", "k")->entry().value == text_value("other"));
  CHECK_FALSE(recent.find("a", "k2"));
  CHECK_FALSE(recent.find("a.", "k"));
  recent.apply(history.remove("a", "k"));
  REQUIRE(recent.find("a", "k"));
  CHECK(recent.find("a", "k")->change->op == ChangeOp::del);
  CHECK(recent.applied() == Revision(4));
  CHECK(recent.changes() == 4);
  REQUIRE(recent.find_head("a") != nullptr);
  CHECK(recent.find_head("a")->head.seq == Seq(3));
  CHECK(recent.find_head("b") == nullptr);
}

TEST_CASE("recent forgets what is folded and keeps what is newer, wherever the cut falls") {
  const std::uint64_t cut = GENERATE(1U, 2U, 255U, 256U, 257U, 700U, 999U, 1000U);
  SampleHistory history(Epoch(1));
  Recent recent(Revision(0));
  std::vector<TransactionPtr> all;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(history.put("n" + std::to_string(i % 7), "k" + std::to_string(i % 100), std::to_string(i)));
    recent.apply(all.back());
    if (i % 300 == 0) CHECK(recent.snapshot()->watermark == recent.applied());
  }
  recent.drop_folded(Revision(cut));
  for (int round = 0; round < 2; ++round) {
    CHECK(recent.changes() == 1000 - cut);
    std::size_t bytes = 0;
    std::map<std::pair<std::string, std::string>, std::uint64_t> newest;
    std::map<std::string, std::uint64_t> heads;
    for (const TransactionPtr& txn : all) {
      newest[{txn->sets[0]->ns, std::string(txn->sets[0]->changes[0].key)}] = txn->rev.value();
      heads[txn->sets[0]->ns] = txn->rev.value();
      if (txn->rev > Revision(cut)) bytes += txn->memory_bytes();
    }
    CHECK(recent.bytes() == bytes);
    for (const auto& [name, rev] : newest) {
      const auto found = recent.find(name.first, name.second);
      REQUIRE(found.has_value() == (rev > cut));
      if (found) REQUIRE(found->txn->rev == Revision(rev));
    }
    for (const auto& [ns, rev] : heads) REQUIRE((recent.find_head(ns) != nullptr) == (rev > cut));
    while (recent.tidy()) {
    }
  }
  all.clear();
  recent.drop_folded(Revision(1000));
  while (recent.tidy()) {
  }
  CHECK(recent.changes() == 0);
  CHECK(recent.bytes() == 0);
  CHECK(recent.snapshot()->runs.empty());
}

TEST_CASE("a transaction is given back once recent and every snapshot let go of it") {
  SampleHistory history(Epoch(1));
  Recent recent(Revision(0));
  std::weak_ptr<const StoredTransaction> watched;
  {
    const TransactionPtr txn = history.put("a", "k", "v");
    watched = txn;
    recent.apply(txn);
  }
  RecentSnapshotPtr snapshot = recent.snapshot();
  recent.drop_folded(Revision(1));
  while (recent.tidy()) {
  }
  CHECK_FALSE(watched.expired());
  snapshot.reset();
  CHECK(watched.expired());
}

TEST_CASE("a snapshot is the same pointer until something changes, and sorts a bounded number a call") {
  SampleHistory history(Epoch(1));
  Recent recent(Revision(0));
  const auto empty = recent.snapshot();
  CHECK(empty->watermark == Revision(0));
  CHECK(recent.snapshot() == empty);
  for (int i = 0; i < 20'000; ++i) recent.apply(history.put("a", "k" + std::to_string(i), "v"));
  int calls = 0;
  auto snapshot = recent.snapshot();
  CHECK(snapshot->watermark == Revision(20'000));
  for (; !snapshot->unsorted.empty(); snapshot = recent.snapshot()) {
    ++calls;
    CHECK(snapshot->watermark == Revision(20'000));
  }
  CHECK(calls >= 3);
  CHECK(recent.snapshot() == snapshot);
  CHECK(snapshot->runs.size() < 10);
  std::size_t items = 0;
  for (const auto& run : snapshot->runs) items += run->items.size();
  CHECK(items == 20'000);
}

TEST_CASE("many small snapshots leave few runs") {
  SampleHistory history(Epoch(1));
  Recent recent(Revision(0));
  for (int i = 0; i < 5'000; ++i) {
    recent.apply(history.put("a", "k" + std::to_string(i * 7919 % 5003), "v"));
    CHECK(recent.snapshot()->runs.size() <= 14);
  }
}

}  // namespace prismbus::test

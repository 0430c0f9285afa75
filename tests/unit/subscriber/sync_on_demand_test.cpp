// Syncs that the application asks for: what they ask, when they are done, what they tell (I5, I6).
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Said = std::vector<std::string>;

namespace {

std::uint64_t begin(SyncRecorder& r, SyncKind kind, const std::vector<std::string>& names = {},
                    std::chrono::milliseconds at_most = 10s) {
  const auto begun = r.sync.begin_sync(kind, names, at_most, r.now);
  REQUIRE(begun);
  r.sync.tick(r.now);
  r.take();
  return *begun;
}

Error refused(SyncRecorder& r, SyncKind kind, const std::vector<std::string>& names = {}) {
  const auto begun = r.sync.begin_sync(kind, names, 10s, r.now);
  REQUIRE_FALSE(begun);
  return begun.error();
}

SyncReport report_of(SyncRecorder& r, std::uint64_t id) {
  const auto reports = r.sync.take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].first == id);
  return reports[0].second;
}

ChangeSet set_of(std::uint64_t seq, std::uint64_t rev, std::string value) {
  ChangeSet set;
  set.epoch = Epoch(7);
  set.seq = Seq(seq);
  set.rev = Revision(rev);
  set.changes.push_back({ChangeOp::put, "k", std::move(value), seq});
  return set;
}

SnapshotReply snapshot_of(std::uint64_t seq, std::uint64_t rev, const std::string& ns = "a") {
  SnapshotReply chunk;
  Entry entry;
  entry.ns = ns;
  entry.key = "k";
  entry.value = std::to_string(seq);
  entry.rev = Revision(rev);
  chunk.entries.push_back(entry);
  Head head;
  head.seq = Seq(seq);
  head.rev = Revision(rev);
  chunk.heads.emplace_back(ns, head);
  return chunk;
}

}  // namespace

TEST_CASE("an incremental sync asks for the changes now; nothing came, and it stays live") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const std::uint64_t id = begin(r, SyncKind::incremental);
  CHECK(r.said == Said{"changes a@5"});
  CHECK(r.state() == NamespaceState::live);
  CHECK(r.sync.take_reports().empty());
  r.answer(ChangesReply{}, 50);
  const SyncReport report = report_of(r, id);
  CHECK(report.complete());
  REQUIRE(report.namespaces.size() == 1);
  CHECK(report.namespaces[0].ns == "a");
  CHECK(report.namespaces[0].how == SyncHow::nothing);
  CHECK(report.namespaces[0].before == Seq(5));
  CHECK(report.namespaces[0].after == Seq(5));
}

TEST_CASE("what the changes bring is shown before it is reported, and counted") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const std::uint64_t id = begin(r, SyncKind::selective, {"a"});
  ChangesReply changes;
  changes.sets.emplace_back("a", set_of(6, 60, "666"));
  changes.sets.emplace_back("a", set_of(7, 70, "777"));
  r.answer(std::move(changes), 70);
  CHECK(r.store.view().seq("a") == Seq(7));
  const NamespaceSync sync = report_of(r, id).namespaces.at(0);
  CHECK(sync.how == SyncHow::changes);
  CHECK(sync.after == Seq(7));
  CHECK(sync.events == 2);
  CHECK(sync.bytes == 8);
}

TEST_CASE("where the changes are gone it is a snapshot, and the report waits for it (I6)") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const std::uint64_t id = begin(r, SyncKind::incremental);
  r.refuse(ErrorCode::compacted);
  r.pass(1ms);
  CHECK(r.said == Said{"changes a@5", "snapshot a"});
  r.answer(snapshot_of(9, 90), 90);
  CHECK(r.sync.take_reports().empty());
  r.answer(ChangesReply{}, 90);
  const NamespaceSync sync = report_of(r, id).namespaces.at(0);
  CHECK(sync.how == SyncHow::snapshot);
  CHECK(sync.after == Seq(9));
  const View view = r.store.view();
  const ViewRoot& root = ViewStore::root_of(view);
  CHECK(root.metrics.resyncs_of(ResyncReason::compacted) == 1);
  CHECK(root.history->back().why == "incremental_sync");
}

TEST_CASE("a full sync takes a snapshot although nothing is wrong; what is shown stays until it is whole") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const std::uint64_t id = begin(r, SyncKind::full);
  CHECK(r.said.empty());  // a herd does not ask at once
  r.pass_with_beats(251ms);
  REQUIRE(r.said == Said{"snapshot a"});
  CHECK(r.store.view().get("a", "k")->bytes == "5");
  r.answer(snapshot_of(6, 60), 60);
  CHECK(r.store.view().get("a", "k")->bytes == "5");
  r.answer(ChangesReply{}, 60);
  CHECK(r.store.view().get("a", "k")->bytes == "6");
  CHECK(r.state() == NamespaceState::live);
  const SyncReport report = report_of(r, id);
  CHECK(report.namespaces.at(0).how == SyncHow::snapshot);
  CHECK(report.namespaces.at(0).bytes == 2);
  const View view = r.store.view();
  CHECK(ViewStore::root_of(view).metrics.resyncs_of(ResyncReason::asked) == 1);
  CHECK(ViewStore::root_of(view).history->back().why == "full_sync");
}

TEST_CASE("who asks again at once is told when it may") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  (void)begin(r, SyncKind::full);
  (void)begin(r, SyncKind::incremental);
  CHECK(refused(r, SyncKind::full).retry_after_ms == 5000);
  CHECK(refused(r, SyncKind::full).code == ErrorCode::overloaded);
  CHECK(refused(r, SyncKind::selective, {"a"}).retry_after_ms == 100);
  r.pass_with_beats(4000ms);
  CHECK(refused(r, SyncKind::full).retry_after_ms == 1000);
  for (int i = 0; i < 14; ++i) {
    (void)begin(r, SyncKind::incremental, {}, 60s);
    r.pass_with_beats(100ms);
  }
  CHECK(refused(r, SyncKind::incremental).message == "too many syncs are under way");
}

TEST_CASE("a name that is not followed is named, and so is none") {
  SyncRecorder r({"a"}, {"s"});
  const Error error = refused(r, SyncKind::selective, {"s.x", "b"});
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.field == "namespaces");
  CHECK(error.message.find("'b'") != std::string::npos);
  CHECK(refused(r, SyncKind::selective).field == "namespaces");
}

TEST_CASE("what does not end in time is told with its error; a broker that is away is unavailable") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const std::uint64_t silent = begin(r, SyncKind::incremental, {}, 500ms);
  r.pass_with_beats(501ms);
  CHECK(report_of(r, silent).namespaces.at(0).error->code == ErrorCode::timeout);
  r.sync.on_lost(fail(ErrorCode::unavailable, "gone").value(), r.now);
  const std::uint64_t away = begin(r, SyncKind::incremental, {}, 500ms);
  r.pass(501ms);
  const SyncReport report = report_of(r, away);
  CHECK_FALSE(report.complete());
  CHECK(report.namespaces.at(0).error->code == ErrorCode::unavailable);
  CHECK(report.namespaces.at(0).after == Seq(5));
}

TEST_CASE("a sync that was asked for while the broker was away ends when it is back") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.sync.on_lost(fail(ErrorCode::unavailable, "gone").value(), r.now);
  const std::uint64_t id = begin(r, SyncKind::incremental);
  r.said.clear();
  r.greet();
  r.barrier();
  r.answer(ChangesReply{}, 50);
  CHECK(report_of(r, id).complete());
}

TEST_CASE("a namespace the broker refuses is told as refused") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const std::uint64_t id = begin(r, SyncKind::incremental);
  r.refuse(ErrorCode::permission_denied);
  CHECK(report_of(r, id).namespaces.at(0).error->code == ErrorCode::permission_denied);
}

TEST_CASE("a subtree is surveyed, and what is new below it belongs to the sync") {
  SyncRecorder r({}, {"s"});
  r.greet();
  r.answer(snapshot_of(1, 10, "s.a"), 10);
  r.barrier();
  r.answer(ChangesReply{}, 10);
  REQUIRE(r.state("s.a") == NamespaceState::live);
  r.said.clear();
  const std::uint64_t id = begin(r, SyncKind::incremental);
  CHECK(r.said == Said{"namespaces", "changes s.a@1"});
  NamespacesReply rows;
  for (const char* ns : {"s.a", "s.b"}) {
    NamespaceRow row;
    row.ns = ns;
    row.head.seq = Seq(1);
    rows.namespaces.push_back(row);
  }
  r.answer(std::move(rows), 20);
  r.answer(ChangesReply{}, 20);
  CHECK(r.sync.take_reports().empty());
  r.pass_with_beats(2s);
  REQUIRE(r.said.back() == "changes s.b@0");
  ChangesReply changes;
  changes.sets.emplace_back("s.b", set_of(1, 15, "1"));
  r.answer(std::move(changes), 20);
  r.pass_with_beats(200ms);
  while (!r.questions.empty()) r.answer(ChangesReply{}, 20);
  const SyncReport report = report_of(r, id);
  REQUIRE(report.namespaces.size() == 2);
  CHECK(report.complete());
  CHECK(report.namespaces[1].ns == "s.b");
  CHECK(report.namespaces[1].how == SyncHow::changes);

  const std::uint64_t one = begin(r, SyncKind::selective, {"s.none"});
  r.answer(NamespacesReply{}, 20);
  CHECK(report_of(r, one).namespaces.at(0).how == SyncHow::nothing);
  CHECK_FALSE(r.store.view().in("s.none"));
}

TEST_CASE("a full sync of a subtree is one snapshot of all of it") {
  SyncRecorder r({}, {"s"});
  r.greet();
  r.answer(snapshot_of(1, 10, "s.a"), 10);
  r.barrier();
  r.answer(ChangesReply{}, 10);
  r.said.clear();
  const std::uint64_t id = begin(r, SyncKind::full);
  r.pass_with_beats(251ms);
  REQUIRE(r.said == Said{"snapshot under s"});
  r.answer(snapshot_of(2, 20, "s.a"), 20);
  r.answer(ChangesReply{}, 20);
  const NamespaceSync sync = report_of(r, id).namespaces.at(0);
  CHECK(sync.how == SyncHow::snapshot);
  CHECK(sync.after == Seq(2));
  CHECK(r.state("s.a") == NamespaceState::live);
}

TEST_CASE("to ask for what the broker refused does not make it current, nor show what is too old (I6)") {
  SyncRecorder r({"a"}, {}, {{"", StalenessPolicy::refuse, 5s}});
  r.join_live(5, 50);
  (void)begin(r, SyncKind::incremental);
  r.refuse(ErrorCode::permission_denied);
  r.pass_with_beats(6s);
  CHECK(r.status().refused);
  (void)r.sync.take_reports();
  r.said.clear();
  const std::uint64_t id = begin(r, SyncKind::incremental);
  CHECK(r.said == Said{"changes a@5"});
  CHECK(r.state() != NamespaceState::live);
  CHECK(r.status().refused);
  r.refuse(ErrorCode::permission_denied);
  CHECK(r.status().refused);
  CHECK(report_of(r, id).namespaces[0].error->code == ErrorCode::permission_denied);
}

TEST_CASE("a full sync that ended while the broker was away asks nothing of it later, and is remembered") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.sync.on_lost(fail(ErrorCode::unavailable, "gone").value(), r.now);
  const std::uint64_t id = begin(r, SyncKind::full, {}, 2s);
  r.pass(3s);
  CHECK(report_of(r, id).namespaces[0].error->code == ErrorCode::unavailable);
  const auto root = r.store.view();
  const auto& history = ViewStore::root_of(root).history;
  REQUIRE(history != nullptr);
  CHECK(history->back().why == "full_sync");
  CHECK(history->back().sync.error);
  r.said.clear();
  r.greet();
  r.barrier();
  CHECK(r.said.back() == "changes a@5");
  CHECK(std::find(r.said.begin(), r.said.end(), "snapshot a") == r.said.end());
}

TEST_CASE("what its subtree does not name any more is not asked for alone, and is no failure") {
  SyncRecorder r({}, {"m"});
  r.greet();
  r.barrier();
  r.answer(snapshot_of(5, 50, "m.x"), 50);
  r.answer(ChangesReply{}, 50);
  CHECK(r.state("m.x") == NamespaceState::live);
  const std::uint64_t full = begin(r, SyncKind::full);
  r.pass_with_beats(300ms);
  CHECK(r.said.back() == "snapshot under m");
  r.answer(SnapshotReply{}, 60);
  CHECK(r.said.back() == "changes under m since rev 60");
  r.answer(ChangesReply{}, 60);
  r.pass_with_beats(1s);
  CHECK(report_of(r, full).complete());
  r.said.clear();
  const std::uint64_t id = begin(r, SyncKind::incremental);
  CHECK(r.said == Said{"namespaces"});
  r.answer(NamespacesReply{}, 60);
  r.pass_with_beats(300ms);
  CHECK(report_of(r, id).complete());
  CHECK(r.said == Said{"namespaces"});
}

TEST_CASE("a full sync of a subtree ends with what began after its snapshot, too") {
  SyncRecorder r({}, {"m"});
  const std::uint64_t id = begin(r, SyncKind::full);
  r.greet();
  r.barrier();
  r.answer(SnapshotReply{}, 50);
  r.sync.on_sets(Lane::changes, "m.new", {set_of(1, 51, "1")}, r.now);
  r.answer(ChangesReply{}, 51);
  r.pass_with_beats(1s);
  const SyncReport report = report_of(r, id);
  CHECK(report.complete());
  REQUIRE(report.namespaces.size() == 1);
  CHECK(report.namespaces[0].ns == "m.new");
  CHECK(report.namespaces[0].after == Seq(1));
}

TEST_CASE("the history holds the last syncs with their reasons, and no look that found nothing") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  const auto history = [&] {
    const View view = r.store.view();
    return *ViewStore::root_of(view).history;
  };
  REQUIRE(history().size() == 1);
  CHECK(history()[0].why == "join");
  CHECK(history()[0].sync.how == SyncHow::snapshot);
  CHECK(history()[0].sync.before == Seq());
  r.set(7, 70);  // a gap
  r.pass_with_beats(76ms);
  CHECK(r.status().behind == 2);
  ChangesReply changes;
  changes.sets.emplace_back("a", set_of(6, 60, "6"));
  r.answer(std::move(changes), 70);
  CHECK(history().back().why == "gap");
  CHECK(history().back().sync.before == Seq(5));
  CHECK(history().back().sync.after == Seq(7));
  CHECK(r.status().behind == 0);
  r.sync.on_stall(r.now);
  r.sync.tick(r.now);
  r.answer(ChangesReply{}, 70);
  CHECK(history().size() == 2);
  for (std::size_t i = 0; i < 2 * kSyncHistory; ++i) {
    (void)begin(r, SyncKind::incremental);
    r.answer(ChangesReply{}, 70);
    r.pass_with_beats(100ms);
  }
  CHECK(history().size() == kSyncHistory);
}

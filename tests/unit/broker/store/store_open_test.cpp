// Opening a data directory, and what is found there: locks, half-made environments, foreign and damaged ones.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/read_view.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

namespace fs = std::filesystem;

Result<Store> open(const std::string& dir) {
  return Store::open({dir, kTestMap, nullptr, nullptr});
}

// Forty transactions, `folded` of them folded; the store is closed again.
void fill(const std::string& dir, std::size_t folded, std::optional<SampleWorld>* world = nullptr) {
  auto store = open(dir);
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::mt19937_64 rng(5);
  std::vector<TransactionPtr> all;
  for (int i = 0; i < 40; ++i) all.push_back(history.random(rng));
  REQUIRE(store->journal.append(all));
  REQUIRE(store->state.fold(std::span(all).first(folded), Wall{}));
  if (world != nullptr) *world = history.world();
}

void require_world(const Store& store, const SampleWorld& world) {
  Recent recent(store.state.meta().folded);
  for (const TransactionPtr& txn : store.tail) recent.apply(txn);
  StateReader state(store.state);
  JournalReader journal(store.journal);
  require_view_equals(ReadView(recent.snapshot(), state, journal), world);
}

// Puts `value` under `key` of the named table, behind the store's back. Empty value: erases.
void tamper(const std::string& env_dir, const char* table, std::string_view key, std::string_view value) {
  lmdb::Env::Options options;
  options.map_bytes = kTestMap;
  auto env = lmdb::Env::open(env_dir, options);
  REQUIRE(env);
  auto txn = lmdb::WriteTxn::begin(*env);
  REQUIRE(txn);
  const auto dbi = lmdb::open_dbi(txn->get(), table, false);
  REQUIRE(dbi);
  if (value.empty()) {
    REQUIRE(txn->erase(*dbi, key));
  } else {
    REQUIRE(txn->put(*dbi, key, value));
  }
  REQUIRE(txn->commit());
}

}  // namespace

TEST_CASE("a new directory is made with its parents, private, empty and sound") {
  const TemporaryDirectory dir;
  const std::string path = dir.path() + "/deep/data";
  {
    const auto store = open(path);
    REQUIRE(store);
    CHECK(store->journal.meta().last == Revision(0));
    CHECK(store->journal.meta().epoch == store->state.meta().epoch);
    CHECK(store->tail.empty());
    CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms::owner_all);
    require_sound(store->journal, store->state);
  }
  const auto first = open(path)->journal.meta().epoch;
  CHECK(open(path)->journal.meta().epoch == first);
  const TemporaryDirectory other;
  CHECK(open(other.path())->journal.meta().epoch != first);
}

TEST_CASE("I4: a second broker on the same directory is refused, and may have it once the first is gone") {
  const TemporaryDirectory dir;
  auto first = open(dir.path());
  REQUIRE(first);
  const auto second = open(dir.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::unavailable);
  CHECK(second.error().message.find("another broker") != std::string::npos);
  first = fail(ErrorCode::internal, "closed");
  CHECK(open(dir.path()));
}

TEST_CASE("a crash between making the two environments, or within either, is repaired") {
  const TemporaryDirectory dir;
  Epoch epoch;
  {
    const auto store = open(dir.path());
    epoch = store->journal.meta().epoch;
  }
  SECTION("the state was not made yet") {
    fs::remove_all(dir.path() + "/state");
  }
  SECTION("the state was half made") {
    fs::remove_all(dir.path() + "/state");
    fs::create_directory(dir.path() + "/state.new");
    std::ofstream(dir.path() + "/state.new/data.mdb") << "half";
  }
  SECTION("the journal was half made") {
    fs::remove_all(dir.path() + "/state");
    fs::remove_all(dir.path() + "/journal");
    fs::create_directory(dir.path() + "/journal.new");
    std::ofstream(dir.path() + "/journal.new/data.mdb") << "half";
    epoch = Epoch();
  }
  const auto store = open(dir.path());
  REQUIRE(store);
  if (epoch != Epoch()) CHECK(store->journal.meta().epoch == epoch);
  CHECK(store->state.meta().epoch == store->journal.meta().epoch);
  CHECK_FALSE(fs::exists(dir.path() + "/state.new"));
  require_sound(store->journal, store->state);
}

TEST_CASE("a state that was lost is made again from a whole journal") {
  const TemporaryDirectory dir;
  std::optional<SampleWorld> world;
  fill(dir.path(), 25, &world);
  fs::remove_all(dir.path() + "/state");
  const auto store = open(dir.path());
  REQUIRE(store);
  CHECK(store->state.meta().folded == Revision(40));
  require_world(*store, *world);
  require_sound(store->journal, store->state);
}

TEST_CASE("what does not belong together is refused with its code") {
  const TemporaryDirectory dir, other;
  fill(dir.path(), 25);
  fill(other.path(), 25);
  std::string record;
  SECTION("a state of another history") {
    fs::remove_all(dir.path() + "/state");
    fs::copy(other.path() + "/state", dir.path() + "/state");
    CHECK(open(dir.path()).error().code == ErrorCode::other_history);
  }
  SECTION("a state without its journal") {
    fs::remove_all(dir.path() + "/journal");
    CHECK(open(dir.path()).error().code == ErrorCode::other_history);
    CHECK_FALSE(fs::exists(dir.path() + "/journal"));
  }
  SECTION("a state ahead of its journal") {
    StateMeta meta;
    {
      const auto store = open(dir.path());
      meta = store->state.meta();
    }
    meta.folded = Revision(41);
    encode_state_meta(record, meta);
    tamper(dir.path() + "/state", "meta", kMetaKey, record);
    CHECK(open(dir.path()).error().code == ErrorCode::other_history);
  }
  SECTION("a newer format") {
    encode_journal_meta(record, {2, Epoch(1), {}, {}, {}});
    tamper(dir.path() + "/journal", "meta", kMetaKey, record);
    CHECK(open(dir.path()).error().code == ErrorCode::unsupported);
  }
  SECTION("a damaged meta record") {
    tamper(dir.path() + "/journal", "meta", kMetaKey, "not a record");
    CHECK(open(dir.path()).error().code == ErrorCode::internal);
  }
  SECTION("a file that is no LMDB environment") {
    std::ofstream(dir.path() + "/journal/data.mdb") << std::string(8192, 'x');
    CHECK(open(dir.path()).error().code == ErrorCode::unavailable);
  }
}

TEST_CASE("a tail that breaks off, is damaged or is chained to another record stops the start and is named") {
  const TemporaryDirectory dir;
  fill(dir.path(), 25);
  DiskKey key;
  const std::string thirty(key.log(Revision(30)));
  SECTION("missing") {
    tamper(dir.path() + "/journal", "log", thirty, {});
  }
  SECTION("another's content") {
    std::string record;
    SampleHistory history(Epoch(1));
    TransactionPtr txn;
    for (int i = 0; i < 30; ++i) txn = history.put("x", "y", "z");
    encode_journal_record(record, *txn, {});
    tamper(dir.path() + "/journal", "log", thirty, record);
  }
  SECTION("damaged") {
    tamper(dir.path() + "/journal", "log", thirty, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
  }
  const auto store = open(dir.path());
  REQUIRE_FALSE(store);
  CHECK(store.error().code == ErrorCode::internal);
  CHECK(store.error().message.find("30") != std::string::npos);
  CHECK_FALSE(audit(dir.path())->findings.empty());
}

TEST_CASE("what was trimmed is compacted, with the floor") {
  const TemporaryDirectory dir;
  fill(dir.path(), 40);
  JournalMeta meta;
  StateMeta state_meta;
  {
    const auto store = open(dir.path());
    meta = store->journal.meta();
    state_meta = store->state.meta();
  }
  // What retention will do: the floor first, then the records.
  std::string record;
  state_meta.floor = Revision(10);
  encode_state_meta(record, state_meta);
  tamper(dir.path() + "/state", "meta", kMetaKey, record);
  meta.floor = Revision(10);
  encode_journal_meta(record, meta);
  tamper(dir.path() + "/journal", "meta", kMetaKey, record);
  DiskKey key;
  for (std::uint64_t rev = 1; rev <= 10; ++rev)
    tamper(dir.path() + "/journal", "log", key.log(Revision(rev)), {});

  const auto store = open(dir.path());
  REQUIRE(store);
  StateReader state(store->state);
  JournalReader journal(store->journal);
  Recent recent(Revision(40));
  const ReadView view(recent.snapshot(), state, journal);
  const auto gone = view.transaction(Revision(10));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::compacted);
  CHECK(gone.error().floor == 10U);
  CHECK(view.transaction(Revision(11)));
  bool some = false;
  REQUIRE(view.scan_namespaces("", [&](std::string_view ns, const RecentHead&) {
    const auto first = view.change_set(ns, Seq(1));
    if (!first) CHECK(first.error().code == ErrorCode::compacted);
    some = some || !first;
    return true;
  }));
  CHECK(some);
}

TEST_CASE("I9: a view whose state was folded past its recent is at the folded revision and whole") {
  const TemporaryDirectory dir;
  auto store = open(dir.path());
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::mt19937_64 rng(9);
  Recent recent(Revision(0));
  std::vector<TransactionPtr> all;
  RecentSnapshotPtr early;
  for (int i = 0; i < 30; ++i) {
    all.push_back(history.random(rng));
    recent.apply(all.back());
    if (i == 9) early = recent.snapshot();
  }
  REQUIRE(store->journal.append(all));
  REQUIRE(store->state.fold(all, Wall{}));
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(early, state, journal);
  CHECK(view.rev() == Revision(30));
  require_view_equals(view, history.world());
  require_sound(store->journal, store->state);
}

TEST_CASE("names that cannot be are absent, never an abort") {
  const TemporaryDirectory dir;
  auto store = open(dir.path());
  REQUIRE(store);
  Recent recent(Revision(0));
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const std::string longest(5000, 'n');
  {
    const ReadView view(recent.snapshot(), state, journal);
    for (const std::string& name : {std::string(), longest}) {
      CHECK_FALSE(view.find(name, longest)->has_value());
      CHECK_FALSE(view.find_head(name)->has_value());
      CHECK(view.change_set(name, Seq(1)).error().code == ErrorCode::not_found);
    }
    const auto none = [](std::string_view, std::string_view, const EntryView*) { return true; };
    CHECK(view.scan(longest, "", none).error().code == ErrorCode::invalid_argument);
    CHECK(view.scan("a", longest, none).error().code == ErrorCode::invalid_argument);
    CHECK(view.scan_namespaces(longest, [](std::string_view, const RecentHead&) { return true; }));
  }
  CHECK_FALSE(state.find_session(longest, longest)->has_value());
}

TEST_CASE("a scan starts where it is asked to, ends when told, and shows deleted keys of recent as visited") {
  const TemporaryDirectory dir;
  auto store = open(dir.path());
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::vector<TransactionPtr> all = {history.put("a", "k1", "v"), history.put("a", "k2", "v"),
                                     history.put("a", "k3", "v"), history.put("b", "k1", "v")};
  REQUIRE(store->journal.append(all));
  REQUIRE(store->state.fold(all, Wall{}));
  Recent recent(Revision(4));
  const std::vector<TransactionPtr> more = {history.remove("a", "k2"), history.put("a", "k4", "v")};
  REQUIRE(store->journal.append(more));
  for (const auto& txn : more) recent.apply(txn);
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  std::string seen;
  const auto each = [&seen](std::string_view ns, std::string_view key, const EntryView* entry) {
    seen += std::string(ns) + "/" + std::string(key) + (entry == nullptr ? "- " : " ");
    return key != "k4";
  };
  REQUIRE(view.scan("a", "k2", each));
  CHECK(seen == "a/k2- a/k3 a/k4 ");
  seen.clear();
  REQUIRE(view.scan("a", "k5", each));
  CHECK(seen == "b/k1 ");
}

}  // namespace prismbus::test

// Backup, verification, restore and rebuild on a store of its own: what comes back is what was there, under a
// new epoch; whatever is cut, flipped or in the way is refused, and what stood there stays.
#include "broker/store/backup_run.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "broker/store/backup_agent.hpp"
#include "broker/store/backup_reader.hpp"
#include "broker/store/guarded_audit.hpp"
#include "broker/store/new_epoch.hpp"
#include "broker/store/restore.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

const Wall kWhen = from_micros(1'700'000'000'000'000);

// A store with history, partly folded, and what it holds.
struct Sample {
  explicit Sample(std::uint64_t seed, int transactions = 60, int folded = 40) {
    auto opened = Store::open({data, kTestMap, nullptr, nullptr});
    REQUIRE(opened);
    store.emplace(std::move(*opened));
    SampleHistory history(store->journal.meta().epoch);
    std::mt19937_64 rng(seed);
    std::vector<TransactionPtr> all;
    for (int i = 0; i < transactions; ++i) all.push_back(history.random(rng));
    REQUIRE(store->journal.append(all));
    REQUIRE(store->state.fold(std::span(all).first(static_cast<std::size_t>(folded)), Wall{}));
    world = history.world();
  }

  Result<BackupDone> back_up(const std::string& name, std::uint64_t keep_free = 0) {
    auto run = BackupRun::begin(store->journal, store->state, {backups, keep_free}, name, kWhen);
    if (!run) return unexpected<Error>(run.error());
    for (;;) {
      auto done = (*run)->step();
      if (!done) return unexpected<Error>(done.error());
      if (*done) return **done;
    }
  }

  TemporaryDirectory root;
  std::string data = root.path() + "/data", backups = root.path() + "/backups";
  std::optional<Store> store;
  SampleWorld world;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Epoch epoch_of(const std::string& dir) {
  const auto store = Store::open({dir, kTestMap, nullptr, nullptr});
  REQUIRE(store);
  return store->journal.meta().epoch;
}

void require_holds(const std::string& dir, const SampleWorld& world, Epoch epoch) {
  require_sound(dir);
  auto store = Store::open({dir, kTestMap, nullptr, nullptr});
  REQUIRE(store);
  CHECK(store->journal.meta().epoch == epoch);
  Recent recent(store->state.meta().folded);
  for (const TransactionPtr& txn : store->tail) {
    recent.apply(txn);
    for (const auto& set : txn->sets) CHECK(epoch_of_set(set->encoded) == epoch);
  }
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  require_view_equals(view, world);
  for (const auto& [name, ns] : world) {
    for (std::uint64_t seq = 1; seq <= ns.seq; ++seq) {
      const auto set = view.change_set(name, Seq(seq));
      REQUIRE(set);
      CHECK(epoch_of_set(*set) == epoch);
    }
  }
}

}  // namespace

TEST_CASE("a restored backup holds everything under a new epoch, change sets included, and is sound") {
  Sample sample(11);
  const Epoch old = sample.store->journal.meta().epoch;
  const auto done = sample.back_up("one.backup");
  REQUIRE(done);
  CHECK(done->path == sample.backups + "/one.backup");
  CHECK(done->bytes == std::filesystem::file_size(done->path));
  Sha256 hash;
  hash.update(read_file(done->path));
  CHECK(done->sha256 == hex_text(hash.digest()));
  struct stat status {};
  REQUIRE(::stat(done->path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);  // it holds every value

  const auto report = verify_backup(done->path);
  REQUIRE(report);
  CHECK(report->header.epoch == old);
  CHECK(report->header.last == Revision(60));
  CHECK(report->header.folded == Revision(40));
  CHECK(report->counts[static_cast<std::size_t>(BackupTable::log) - 1] == 60);

  const std::string target = sample.root.path() + "/again";
  const auto restored = restore_backup({done->path, target, false}, kWhen);
  REQUIRE(restored);
  CHECK(restored->epoch != old);
  CHECK(restored->put_by.empty());
  require_holds(target, sample.world, restored->epoch);
  CHECK_FALSE(std::filesystem::exists(target + ".restoring"));
}

TEST_CASE("a backup holds one moment: what is written while it streams is not in it") {
  Sample sample(12, 400, 300);
  auto run = BackupRun::begin(sample.store->journal, sample.store->state, {sample.backups, 0}, "b", kWhen);
  REQUIRE(run);
  SampleHistory later(sample.store->journal.meta().epoch);
  std::mt19937_64 rng(12);
  std::vector<TransactionPtr> all;
  for (int i = 0; i < 420; ++i) all.push_back(later.random(rng));  // the same history, and 20 more
  REQUIRE(sample.store->journal.append(std::span(all).subspan(400)));
  REQUIRE(sample.store->state.fold(std::span(all).subspan(300), Wall{}));
  for (;;) {
    const auto done = (*run)->step();
    REQUIRE(done);
    if (*done) break;
  }
  const auto restored = restore_backup({sample.backups + "/b", sample.root.path() + "/then", false}, kWhen);
  REQUIRE(restored);
  CHECK(restored->audit.last == Revision(400));
  require_holds(sample.root.path() + "/then", sample.world, restored->epoch);
}

TEST_CASE("an empty store is backed up and restored too") {
  Sample sample(13, 1, 0);
  auto empty = Store::open({sample.root.path() + "/empty", kTestMap, nullptr, nullptr});
  REQUIRE(empty);
  auto run = BackupRun::begin(empty->journal, empty->state, {sample.backups, 0}, "e", kWhen);
  REQUIRE(run);
  Result<std::optional<BackupDone>> done = std::optional<BackupDone>();
  while (done && !*done) done = (*run)->step();
  REQUIRE(done);
  const auto restored = restore_backup({(*done)->path, sample.root.path() + "/then", false}, kWhen);
  REQUIRE(restored);
  require_holds(sample.root.path() + "/then", {}, restored->epoch);
}

TEST_CASE("names that are not one plain file name are refused, and so is one that exists") {
  Sample sample(14);
  for (const char* name :
       {"", ".", "..", "a/b", "../a", "/tmp/a", ".hidden", "a\nb", "a\x7f", "a\x01", "a b"}) {
    const auto done = sample.back_up(name);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == ErrorCode::invalid_argument);
    CHECK(done.error().field == "name");
  }
  REQUIRE(sample.back_up("daily-2026-11-24"));
  const std::string before = read_file(sample.backups + "/daily-2026-11-24");
  const auto again = sample.back_up("daily-2026-11-24");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::invalid_argument);
  CHECK(read_file(sample.backups + "/daily-2026-11-24") == before);
  CHECK(std::distance(std::filesystem::directory_iterator(sample.backups), {}) == 1);  // no partial file
}

TEST_CASE("a backup that would eat the free-space floor is given up and leaves nothing") {
  Sample sample(15);
  const auto done = sample.back_up("big", std::uint64_t{1} << 62);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::read_only);
  CHECK(std::filesystem::is_empty(sample.backups));
}

TEST_CASE("a damaged record is not copied: the backup ends and names it") {
  Sample sample(16);
  sample.store.reset();
  {
    lmdb::Env::Options options;
    options.map_bytes = kTestMap;
    auto env = lmdb::Env::open(sample.data + "/state", options);
    REQUIRE(env);
    auto txn = lmdb::WriteTxn::begin(*env);
    REQUIRE(txn);
    const auto dbi = lmdb::open_dbi(txn->get(), "namespaces", false);
    REQUIRE(dbi);
    REQUIRE(txn->put(*dbi, "a", "not what was written"));
    REQUIRE(txn->commit());
  }
  auto opened = Store::open({sample.data, kTestMap, nullptr, nullptr});
  REQUIRE(opened);
  sample.store.emplace(std::move(*opened));
  const auto done = sample.back_up("b");
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("namespaces") != std::string::npos);
  CHECK(std::filesystem::is_empty(sample.backups));
}

TEST_CASE("every flipped byte and every cut of a backup is refused, naming the file") {
  Sample sample(17, 12, 8);
  REQUIRE(sample.back_up("b"));
  const std::string path = sample.backups + "/b", sound = read_file(path), bad = sample.root.path() + "/bad";
  REQUIRE(verify_backup(path));
  std::mt19937_64 rng(17);
  for (std::size_t at = 0; at < sound.size(); at += 1 + rng() % 7) {
    std::string bytes = sound;
    bytes[at] ^= static_cast<char>(1U << (rng() % 8));
    write_file(bad, bytes);
    const auto flipped = verify_backup(bad);
    INFO("byte " << at);
    REQUIRE_FALSE(flipped);
    REQUIRE(flipped.error().message.starts_with(bad));
    write_file(bad, std::string_view(sound).substr(0, at));
    const auto cut = verify_backup(bad);
    REQUIRE_FALSE(cut);
    REQUIRE(cut.error().message.starts_with(bad));
  }
  write_file(bad, sound + "x");
  CHECK_FALSE(verify_backup(bad));
  const auto restored = restore_backup({bad, sample.root.path() + "/never", false}, kWhen);
  CHECK_FALSE(restored);
  CHECK_FALSE(std::filesystem::exists(sample.root.path() + "/never"));
}

TEST_CASE("a newer format is refused naming both versions") {
  Sample sample(18, 3, 2);
  REQUIRE(sample.back_up("b"));
  std::string bytes = read_file(sample.backups + "/b");
  bytes[15] = 9;  // the last byte of `format`
  write_file(sample.backups + "/new", bytes);
  const auto report = verify_backup(sample.backups + "/new");
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::unsupported);
  CHECK(report.error().message.find("has format 9, this program reads format 1") != std::string::npos);
}

TEST_CASE("a directory that is not empty is refused, and with replace moved aside whole") {
  Sample sample(19);
  REQUIRE(sample.back_up("b"));
  const std::string backup = sample.backups + "/b";
  const Epoch old = sample.store->journal.meta().epoch;
  const auto running = restore_backup({backup, sample.data, true}, kWhen);
  REQUIRE_FALSE(running);  // a broker has it
  CHECK(running.error().message.find("another broker is running") != std::string::npos);
  sample.store.reset();
  const auto occupied = restore_backup({backup, sample.data, false}, kWhen);
  REQUIRE_FALSE(occupied);
  CHECK(occupied.error().message.find("--replace") != std::string::npos);
  require_holds(sample.data, sample.world, old);

  const auto replaced = restore_backup({backup, sample.data + "/", true}, kWhen);
  REQUIRE(replaced);
  CHECK(replaced->put_by == sample.data + ".replaced-1700000000000000");
  require_holds(sample.data, sample.world, replaced->epoch);
  require_holds(replaced->put_by, sample.world, old);
}

TEST_CASE("root restores for the owner of the directory that it replaces, or of the one it stands in") {
  if (::geteuid() != 0) return;  // nobody else can give files away
  Sample sample(24);
  REQUIRE(sample.back_up("b"));
  const std::string home = sample.root.path() + "/home", target = home + "/data";
  std::filesystem::create_directories(home);
  REQUIRE(::chown(home.c_str(), 65534, 65534) == 0);
  for (const bool replace : {false, true}) {
    REQUIRE(restore_backup({sample.backups + "/b", target, replace}, kWhen));
    for (const char* part : {"", "/journal", "/journal/data.mdb", "/state/data.mdb", "/lock"}) {
      struct stat status {};
      REQUIRE(::stat((target + part).c_str(), &status) == 0);
      CHECK(status.st_uid == 65534);
    }
  }
}

TEST_CASE("what an earlier restore left half done is made anew; finished data in its place is not touched") {
  Sample sample(20);
  REQUIRE(sample.back_up("b"));
  const std::string backup = sample.backups + "/b", target = sample.root.path() + "/t";
  std::filesystem::create_directories(target + ".restoring/journal");
  write_file(target + ".restoring/journal/data.mdb", "half");
  const auto foreign = restore_backup({backup, target, false}, kWhen);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().message.find("in the way") != std::string::npos);
  write_file(target + ".restoring/unfinished", "");
  const auto restored = restore_backup({backup, target, false}, kWhen);
  REQUIRE(restored);
  require_holds(target, sample.world, restored->epoch);
}

TEST_CASE("the state is made anew from the journal, of the same epoch, and the old one is replaced") {
  Sample sample(21);
  const Epoch epoch = sample.store->journal.meta().epoch;
  sample.store.reset();
  write_file(sample.data + "/state/data.mdb", std::string(100'000, 'x'));
  const auto rebuilt = rebuild_state(sample.data, kTestMap);
  REQUIRE(rebuilt);
  CHECK(rebuilt->folded == Revision(60));
  require_holds(sample.data, sample.world, epoch);
  std::filesystem::remove_all(sample.data + "/state");
  REQUIRE(rebuild_state(sample.data, kTestMap));
  require_holds(sample.data, sample.world, epoch);
  CHECK_FALSE(std::filesystem::exists(sample.data + "/rebuilding"));
  CHECK(epoch_of(sample.data) == epoch);
}

TEST_CASE("damage to LMDB's own pages ends the checking child, and the finding names the environment") {
  for (const std::string env : {"journal", "state"}) {
    Sample sample(23, 300, 300);
    sample.store.reset();
    REQUIRE(guarded_audit(sample.data)->findings.empty());
    // Everything behind the two meta pages: no page is what it says.
    const std::string path = sample.data + "/" + env + "/data.mdb";
    std::string bytes = read_file(path);
    std::mt19937_64 rng(23);
    for (std::size_t at = 8192; at + 16 < bytes.size(); at += 4096) {
      for (std::size_t i = 10; i < 40; ++i) bytes[at + i] = static_cast<char>(rng());
    }
    write_file(path, bytes);
    const auto report = guarded_audit(sample.data);
    const std::string said = report ? report->findings.at(0) : report.error().message;
    INFO(said);
    CHECK(said.find(env) != std::string::npos);
    std::filesystem::resize_file(path, 8192);
    const auto cut = guarded_audit(sample.data);
    REQUIRE(cut);
    REQUIRE_FALSE(cut->findings.empty());
    CHECK(cut->findings[0].starts_with("the " + env +
                                       "'s LMDB pages are damaged: reading them ended the check"));
  }
}

TEST_CASE("the agent makes one backup at a time, and keeps retention out while it does") {
  Sample sample(22);
  TrimGate gate;
  BoundedQueue<BackupOrder> orders(2, nullptr);
  BoundedQueue<BackupOutcome> outcomes(2, nullptr);
  BackupAgent agent(*sample.store, {sample.backups, 0}, gate, orders, outcomes);
  const Now now{Steady{}, kWhen};
  CHECK(agent.step(now) == 0);
  REQUIRE(orders.try_push({"first"}));
  std::vector<BackupOutcome> told;
  while (outcomes.drain(told) == 0) agent.step(now);
  REQUIRE(told.size() == 1);
  REQUIRE(told[0]);
  CHECK(verify_backup(told[0]->path));
  CHECK_FALSE(gate.closed());
  REQUIRE(orders.try_push({"first"}));
  told.clear();
  while (outcomes.drain(told) == 0) agent.step(now);
  CHECK(told[0].error().code == ErrorCode::invalid_argument);
  CHECK_FALSE(gate.closed());
}

}  // namespace prismbus::test

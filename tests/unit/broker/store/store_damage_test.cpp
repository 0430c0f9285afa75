// D7 in small: bytes of every record of both environments are flipped, one record at a time. No read may
// serve what was not written, and audit() has to name the record.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "broker/store/key_history.hpp"
#include "broker/store/read_view.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

struct Row {
  std::string env, table, key, value;
};

std::vector<Row> rows_of(const std::string& dir, const std::string& env_name,
                         const std::vector<std::string>& tables) {
  lmdb::Env::Options options;
  options.map_bytes = kTestMap;
  auto env = lmdb::Env::open(dir + "/" + env_name, options);
  REQUIRE(env);
  auto txn = lmdb::WriteTxn::begin(*env);
  REQUIRE(txn);
  std::vector<Row> rows;
  for (const std::string& table : tables) {
    const auto dbi = lmdb::open_dbi(txn->get(), table.c_str(), false);
    REQUIRE(dbi);
    auto cursor = lmdb::Cursor::open(txn->get(), *dbi);
    REQUIRE(cursor);
    for (auto at = cursor->seek({}); at && *at; at = cursor->next()) {
      rows.push_back({env_name, table, std::string((*at)->key), std::string((*at)->value)});
    }
  }
  return rows;
}

void put_row(const std::string& dir, const Row& row, std::string_view value) {
  lmdb::Env::Options options;
  options.map_bytes = kTestMap;
  auto env = lmdb::Env::open(dir + "/" + row.env, options);
  REQUIRE(env);
  auto txn = lmdb::WriteTxn::begin(*env);
  REQUIRE(txn);
  const auto dbi = lmdb::open_dbi(txn->get(), row.table.c_str(), false);
  REQUIRE(dbi);
  REQUIRE(txn->put(*dbi, row.key, value));
  REQUIRE(txn->commit());
}

// Everything that can be read, as text; what is refused, by its code. Never aborts.
std::map<std::string, std::string> readable(const std::string& dir, const SampleWorld& world) {
  std::map<std::string, std::string> out;
  auto store = Store::open({dir, kTestMap, nullptr, nullptr});
  if (!store) {
    CHECK(store.error().code == ErrorCode::internal);
    return out;
  }
  Recent recent(store->state.meta().folded);
  for (const TransactionPtr& txn : store->tail) recent.apply(txn);
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  for (const auto& [name, ns] : world) {
    for (const auto& [key, entry] : ns.entries) {
      const auto found = view.find(name, key);
      if (found && *found) {
        out[name + "/" + key] = std::string((*found)->value) + " " + std::to_string((*found)->rev.value()) +
                                " " + std::to_string((*found)->version) + " " + std::string((*found)->by);
      } else {
        CHECK_FALSE(found);  // absent would be a lie
        if (!found) CHECK(found.error().code == ErrorCode::internal);
      }
    }
    const auto head = view.find_head(name);
    if (head && *head) out[name] = std::to_string((*head)->head.seq.value() + (*head)->head.hash);
    for (std::uint64_t seq = 1; seq <= ns.seq; ++seq) {
      const auto set = view.change_set(name, Seq(seq));
      if (set) {
        out[name + " " + std::to_string(seq)] = std::string(*set);
      } else {
        CHECK(set.error().code == ErrorCode::internal);
      }
    }
  }
  const auto headers = state.session_headers(Wall{});
  if (!headers) return out;
  for (const auto& header : *headers) {
    const auto session = state.find_session(header.by, header.session);
    if (!session || !*session) continue;
    std::string& text = out["session " + header.by + header.session];
    for (const auto& [n, rev] : (*session)->outcomes)
      text += std::to_string(n) + ":" + std::to_string(rev.value());
  }
  return out;
}

}  // namespace

TEST_CASE("a flipped byte in any record is never served and always named by the audit") {
  const TemporaryDirectory dir;
  SampleWorld world;
  {
    auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    std::mt19937_64 rng(3);
    std::vector<TransactionPtr> all;
    for (int i = 0; i < 40; ++i) all.push_back(history.random(rng));
    REQUIRE(store->journal.append(all));
    REQUIRE(store->state.fold(std::span(all).first(30), Wall{}));
    world = history.world();
  }
  const auto sound = readable(dir.path(), world);
  REQUIRE(sound.size() > 30);
  require_sound(dir.path());

  std::vector<Row> rows = rows_of(dir.path(), "journal", {"log", "meta"});
  const auto more = rows_of(dir.path(), "state",
                            {"head", "deleted", "history", "changesets", "namespaces", "sessions", "meta"});
  rows.insert(rows.end(), more.begin(), more.end());
  REQUIRE(rows.size() > 150);
  std::mt19937_64 rng(7);
  for (const Row& row : rows) {
    INFO(row.env << " " << row.table << " record of " << row.value.size() << " bytes");
    std::string damaged = row.value;
    damaged[rng() % damaged.size()] ^= static_cast<char>(1U << (rng() % 8));
    if (rng() % 4 == 0) damaged.resize(rng() % damaged.size() + 1);
    if (damaged == row.value) continue;
    put_row(dir.path(), row, damaged);
    for (const auto& [what, value] : readable(dir.path(), world)) {
      const auto was = sound.find(what);
      REQUIRE(was != sound.end());
      REQUIRE(value == was->second);
    }
    const auto report = audit(dir.path());
    REQUIRE(report);
    REQUIRE_FALSE(report->findings.empty());
    put_row(dir.path(), row, row.value);
  }
  require_sound(dir.path());
}

// A row whose key is not what it was hides what was looked for: here a flipped bit of every key in the file.
TEST_CASE("a key that is flipped on its page is never answered as absent") {
  const TemporaryDirectory dir;
  constexpr int kKeys = 300;
  const auto name_of_key = [](int i) { return "flipped-" + std::to_string(1000 + i); };
  {
    auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    std::vector<TransactionPtr> all;
    for (int i = 0; i < kKeys; ++i) all.push_back(history.put("a", name_of_key(i), "v"));
    REQUIRE(store->journal.append(all));
    REQUIRE(store->state.fold(all, Wall{}));
  }
  const std::string path = dir.path() + "/state/data.mdb";
  std::string sound(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(sound.data(), static_cast<std::streamsize>(sound.size()));
  std::mt19937_64 rng(29);
  std::size_t places = 0, hidden = 0;
  for (std::size_t at = sound.find("flipped-"); at != std::string::npos;
       at = sound.find("flipped-", at + 1)) {
    if (rng() % 8 != 0) continue;
    ++places;
    std::string bytes = sound;
    bytes[at + rng() % 12] ^= static_cast<char>(1U << (rng() % 7));
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
    if (!store) continue;
    StateReader state(store->state);
    for (int i = 0; i < kKeys; ++i) {
      const auto found = state.find("a", name_of_key(i));
      if (!found) {
        ++hidden;
        REQUIRE(found.error().code == ErrorCode::internal);
      } else {
        INFO("flip at " << at << ", key " << i);
        REQUIRE(*found);
        REQUIRE((*found)->value == text_value("v"));
      }
      const auto then =
          KeyHistory(state).find(Revision(kKeys), "a", name_of_key(i));  // as a read of the past
      if (!then) {
        REQUIRE(then.error().code == ErrorCode::internal);
      } else {
        INFO("flip at " << at << ", key " << i);
        REQUIRE(*then);
        REQUIRE((*then)->record.value == text_value("v"));
      }
    }
  }
  CHECK(places > 50);
  CHECK(hidden > 10);
}

TEST_CASE("a record that comes back under another key is found out") {
  const TemporaryDirectory dir;
  {
    auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    const std::vector<TransactionPtr> all = {history.put("a", "k1", "one"), history.put("a", "k2", "two")};
    REQUIRE(store->journal.append(all));
    REQUIRE(store->state.fold(all, Wall{}));
  }
  const auto rows = rows_of(dir.path(), "state", {"head"});
  REQUIRE(rows.size() == 2);
  put_row(dir.path(), rows[0], rows[1].value);
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  StateReader state(store->state);
  CHECK(state.find("a", "k1").error().code == ErrorCode::internal);
  CHECK(state.find("a", "k1").error().message.find("k1") != std::string::npos);
  CHECK(state.find("a", "k2")->value().value == text_value("two"));
}

}  // namespace prismbus::test

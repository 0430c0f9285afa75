#include "proto/base/lmdb.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "proto/base/lmdb_lock_file.hpp"

namespace prismbus::lmdb {
namespace {

struct TemporaryDirectory {
  TemporaryDirectory() {
    path =
        std::filesystem::exists("/dev/shm") ? "/dev/shm/prismbus-lmdb-XXXXXX" : "/tmp/prismbus-lmdb-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::string path;
};

// Answers each code once, at its point.
struct ScriptedFaults : DiskFaults {
  std::map<Point, int> next;
  int at(Point point) override {
    const auto found = next.find(point);
    if (found == next.end()) return 0;
    const int code = found->second;
    next.erase(found);
    return code;
  }
};

struct Fixture {
  explicit Fixture(std::size_t map_bytes = std::size_t{16} << 20) {
    Env::Options options;
    options.map_bytes = map_bytes;
    options.faults = &faults;
    auto opened = Env::open(dir.path, options);
    REQUIRE(opened);
    env = *opened;
    auto txn = WriteTxn::begin(env);
    REQUIRE(txn);
    auto table = open_dbi(txn->get(), "t", true);
    REQUIRE(table);
    dbi = *table;
    REQUIRE(txn->commit());
  }
  Outcome<void> put(std::string_view key, std::string_view value) {
    auto txn = WriteTxn::begin(env);
    if (!txn) return unexpected<Fault>(txn.error());
    if (const auto done = txn->put(dbi, key, value); !done) return done;
    return txn->commit();
  }
  std::string read(std::string_view key) {
    ReadTxn txn(env);
    REQUIRE(txn.renew());
    const auto found = get(txn.get(), dbi, key);
    REQUIRE(found);
    return *found ? std::string(**found) : "(absent)";
  }
  TemporaryDirectory dir;
  ScriptedFaults faults;
  std::shared_ptr<Env> env;
  Dbi dbi{};
};

}  // namespace

TEST_CASE("an environment is opened with NOTLS and default sync, nothing else") {
  Fixture f;
  unsigned flags = 0;
  REQUIRE(mdb_env_get_flags(f.env->get(), &flags) == 0);
  CHECK(flags == MDB_NOTLS);
}

TEST_CASE("a write is there after its commit, and not after an abort") {
  Fixture f;
  REQUIRE(f.put("k", "v"));
  {
    auto txn = WriteTxn::begin(f.env);
    REQUIRE(txn);
    REQUIRE(txn->put(f.dbi, "k", "other"));
    REQUIRE(txn->erase(f.dbi, "not there"));
  }
  CHECK(f.read("k") == "v");
}

TEST_CASE("a read transaction keeps its snapshot until it is renewed, and holds none once released") {
  Fixture f;
  REQUIRE(f.put("k", "1"));
  ReadTxn txn(f.env);
  CHECK(txn.get() == nullptr);
  REQUIRE(txn.renew());
  REQUIRE(f.put("k", "2"));
  CHECK(get(txn.get(), f.dbi, "k")->value() == "1");
  REQUIRE(txn.renew());
  CHECK(get(txn.get(), f.dbi, "k")->value() == "2");
  ReadTxn moved = std::move(txn);
  CHECK(get(moved.get(), f.dbi, "k")->value() == "2");
  moved.release();
  CHECK(moved.get() == nullptr);
  REQUIRE(moved.renew());
  f.env->check_readers();
}

TEST_CASE("a cursor walks both ways and finds at or after") {
  Fixture f;
  for (const char* key : {"a", "c", "e"}) REQUIRE(f.put(key, key));
  ReadTxn txn(f.env);
  REQUIRE(txn.renew());
  auto cursor = Cursor::open(txn.get(), f.dbi);
  REQUIRE(cursor);
  CHECK(cursor->seek("")->value().key == "a");
  CHECK(cursor->seek("b")->value().key == "c");
  CHECK(cursor->next()->value().key == "e");
  CHECK_FALSE(cursor->next()->has_value());
  CHECK(cursor->last()->value().key == "e");
  CHECK(cursor->previous()->value().key == "c");
  CHECK_FALSE(cursor->seek("f")->has_value());
}

TEST_CASE("each fault point fails its operation with its own code, and nothing of the transaction stays") {
  Fixture f;
  REQUIRE(f.put("k", "before"));
  for (const auto point : {DiskFaults::Point::begin, DiskFaults::Point::put, DiskFaults::Point::commit}) {
    for (const int code : {ENOSPC, EIO, MDB_MAP_FULL}) {
      f.faults.next = {{point, code}};
      const auto failed = f.put("k", "after");
      REQUIRE_FALSE(failed);
      CHECK(failed.error().code == code);
      CHECK_FALSE(failed.error().outcome_unknown);
      CHECK(f.read("k") == "before");
    }
  }
  REQUIRE(f.put("k", "after"));
  CHECK(f.read("k") == "after");
}

TEST_CASE(
    "after an unknown commit every new transaction is refused, as LMDB does after a failed meta write") {
  Fixture f;
  f.faults.next = {{DiskFaults::Point::commit_unknown, EIO}};
  const auto failed = f.put("k", "v");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().outcome_unknown);
  CHECK(describe(failed.error()).find("unknown") != std::string::npos);
  CHECK(f.put("k", "w").error().code == MDB_PANIC);
  ReadTxn txn(f.env);
  CHECK(txn.renew().error().code == MDB_PANIC);
}

TEST_CASE("a full map is its own code and is clean") {
  Fixture f(std::size_t{256} << 10);
  const std::string big(10'000, 'x');
  int stored = 0;
  Fault fault;
  while (fault.code == 0) {
    const auto done = f.put("k" + std::to_string(stored), big);
    if (done) {
      ++stored;
    } else {
      fault = done.error();
    }
  }
  CHECK(fault.code == MDB_MAP_FULL);
  CHECK_FALSE(fault.outcome_unknown);
  CHECK(f.read("k" + std::to_string(stored - 1)) == big);
  CHECK(f.read("k" + std::to_string(stored)) == "(absent)");
}

TEST_CASE("opening where there is no directory is an error with LMDB's code") {
  Env::Options options;
  options.map_bytes = 1 << 20;
  const auto env = Env::open("/nonexistent/prismbus", options);
  REQUIRE_FALSE(env);
  CHECK(env.error().code == ENOENT);
}

TEST_CASE("lock.mdb has its space before LMDB maps it, and one that is there keeps its size") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/lock.mdb";
  struct stat status {};
  REQUIRE(allocate_lock_file(dir.path, 126) == 0);
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 >= status.st_size);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  REQUIRE(::truncate(path.c_str(), 8192) == 0);  // sparse, as LMDB leaves it
  REQUIRE(allocate_lock_file(dir.path, 1000) == 0);
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_size == 8192);
  CHECK(status.st_blocks * 512 >= 8192);
  CHECK(allocate_lock_file("/nonexistent/prismbus", 126) == 0);  // LMDB says what is wrong there
}

}  // namespace prismbus::lmdb

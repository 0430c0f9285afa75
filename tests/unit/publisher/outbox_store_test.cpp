#include "publisher/outbox/outbox_store.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "proto/wire/value.hpp"
#include "publisher/outbox/key_order.hpp"
#include "tests/unit/publisher/outbox_folder.hpp"

using namespace prismbus;

namespace {

constexpr OutboxStore::Limits kLimits{100, 1u << 20};

using Folder = OutboxFolder;

OutboxRecord put_of(std::string key, int value, std::optional<Revision> base = {}) {
  OutboxRecord record;
  record.queued_at = from_micros(1'700'000'000'000'000);
  record.epoch = Epoch(7);
  record.steps.push_back({ChangeOp::put, "a.b", std::move(key), encode_value(value), base});
  return record;
}

OutboxOutcome applied(std::uint64_t id) {
  OutboxOutcome outcome;
  outcome.id = id;
  outcome.rev = Revision(12);
  outcome.changes.push_back({ChangeOp::put, "a.b", "k", {}});
  return outcome;
}

std::unique_ptr<OutboxStore> opened(const Folder& folder, OutboxStore::Limits limits = kLimits) {
  auto store = OutboxStore::open(folder.box(), limits);
  INFO((store ? "" : store.error().message));
  REQUIRE(store);
  return std::move(*store);
}

class FailingCommit final : public lmdb::DiskFaults {
 public:
  int at(Point point) override { return point == fails ? code : 0; }
  Point fails = Point::commit;
  int code = 0;
};

}  // namespace

TEST_CASE("a record reads back as it was written, and not at all once a byte of it differs") {
  OutboxRecord record = put_of("k", 5, Revision(3));
  record.id = 9;
  record.steps.push_back({ChangeOp::del, "a.c", "gone", {}, {}});
  record.guards.push_back({"a.d", "must", Revision(0)});
  record.note = "a note";
  record.attempts.push_back({{"12345678", 4}, Epoch(7), from_micros(1'700'000'000'000'001), true, 1});
  const std::string bytes = encode_outbox_record(record);
  CHECK(decode_outbox_record(9, bytes).value() == record);
  CHECK_FALSE(decode_outbox_record(8, bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    CHECK_FALSE(decode_outbox_record(9, damaged));
    CHECK_FALSE(decode_outbox_record(9, bytes.substr(0, i)));
  }
}

TEST_CASE("an attempt at a change that is not there does not read") {
  OutboxRecord record = put_of("k", 5);
  record.attempts.push_back({{"12345678", 4}, Epoch(7), from_micros(1), false, 1});
  CHECK_FALSE(decode_outbox_record(9, encode_outbox_record(record)));
}

TEST_CASE("an outcome reads back as it was written") {
  OutboxOutcome outcome = applied(4);
  outcome.kind = OutboxOutcome::Kind::rejected;
  outcome.conflict = outcome.other_history = true;
  outcome.code = ErrorCode::conflict;
  outcome.message = "both changed /a";
  outcome.changes[0].value = encode_value(5);
  const auto read = decode_outbox_outcome(4, encode_outbox_outcome(outcome));
  REQUIRE(read);
  CHECK(read->kind == outcome.kind);
  CHECK(read->code == ErrorCode::conflict);
  CHECK(read->message == outcome.message);
  CHECK(read->changes[0].value == encode_value(5));
  CHECK((read->conflict && read->other_history && !read->duplicate));
}

TEST_CASE("an outcome with any message reads back with the value that was not applied (D3)") {
  const Folder folder;
  auto store = opened(folder);
  std::vector<OutboxRecord> records{put_of("x", 1), put_of("y", 2), put_of("z", 3)};
  REQUIRE(store->append(records));
  const std::vector<std::string> messages{"threw: \xe9t\xe9", "both changed /\xc3\xa9",
                                          std::string(2000, 'x')};
  for (std::uint64_t id = 1; id <= 3; ++id) {
    OutboxOutcome outcome = applied(id);
    outcome.kind = OutboxOutcome::Kind::rejected;
    outcome.code = ErrorCode::conflict;
    outcome.message = messages[id - 1];
    outcome.changes[0].value = encode_value(5);
    REQUIRE(store->settle(outcome, {}));
  }
  const auto outcomes = store->list()->outcomes;
  REQUIRE(outcomes.size() == 3);
  for (const auto& outcome : outcomes) {
    CHECK(outcome.code == ErrorCode::conflict);
    REQUIRE(outcome.changes.size() == 1);
    CHECK(outcome.changes[0].value == encode_value(5));
  }
  CHECK(outcomes[0].message == "threw: ?t?");
  CHECK(outcomes[1].message == messages[1]);
}

TEST_CASE("what was appended is there in order after a restart, under ids never used again (S1 S2)") {
  const Folder folder;
  {
    auto store = opened(folder);
    std::vector<OutboxRecord> records{put_of("x", 1), put_of("y", 2), put_of("z", 3)};
    REQUIRE(store->append(records));
    REQUIRE(store->settle(applied(records[0].id), {}));
    REQUIRE(store->settle(applied(records[2].id), {}));
    REQUIRE(store->acknowledge({records[0].id, records[2].id, 77}));
    CHECK(store->entries() == 1);
  }
  auto store = opened(folder);
  std::vector<OutboxStore::Damaged> damaged;
  const auto left = store->load(0, 10, damaged);
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().steps[0].key == "y");
  CHECK(damaged.empty());
  std::vector<OutboxRecord> more{put_of("w", 4)};
  REQUIRE(store->append(more));
  CHECK(more[0].id == 4);
}

TEST_CASE("request ids go on where they were, and a new session begins at 1 (I7)") {
  const Folder folder;
  std::vector<OutboxRecord> records{put_of("x", 1), put_of("y", 2)};
  std::string session;
  {
    auto store = opened(folder);
    REQUIRE(store->append(records));
    REQUIRE(store->attempt(records[0], {{}, Epoch(7), from_micros(5), false}, false));
    session = records[0].attempts.back().req.session;
    CHECK(records[0].attempts.back().req.n == 1);
  }
  auto store = opened(folder);
  std::vector<OutboxStore::Damaged> damaged;
  auto left = store->load(0, 10, damaged).value();
  CHECK(left[0] == records[0]);
  REQUIRE(store->attempt(left[1], {{}, Epoch(7), from_micros(6), false}, false));
  CHECK(left[1].attempts.back().req == RequestId{session, 2});
  REQUIRE(store->attempt(left[1], {{}, Epoch(8), from_micros(7), true}, true));
  CHECK(left[1].attempts.back().req.session != session);
  CHECK(left[1].attempts.back().req.n == 1);
  CHECK(left[1].attempts.size() == 2);
}

TEST_CASE("a full outbox answers overloaded, and outcomes nobody acknowledged count (S3 I8)") {
  const Folder folder;
  auto store = opened(folder, {3, 1u << 20});
  std::vector<OutboxRecord> records{put_of("x", 1), put_of("y", 2), put_of("z", 3)};
  REQUIRE(store->append(records));
  REQUIRE(store->settle(applied(1), {}));
  std::vector<OutboxRecord> more{put_of("w", 4)};
  CHECK(store->append(more).error().code == ErrorCode::overloaded);
  REQUIRE(store->acknowledge({1}));
  CHECK(store->append(more));
  const Folder other;
  auto small = opened(other, {100, 60});
  std::vector<OutboxRecord> large{put_of(std::string(100, 'k'), 1)};
  CHECK(small->append(large).error().code == ErrorCode::overloaded);
  CHECK(small->pending() == 0);
}

TEST_CASE("one process at a time holds an outbox; another may read it meanwhile") {
  const Folder folder;
  auto store = opened(folder);
  std::vector<OutboxRecord> records{put_of("x", 1), put_of("y", 2)};
  REQUIRE(store->append(records));
  REQUIRE(store->settle(applied(1), {}));
  CHECK(OutboxStore::open(folder.box(), kLimits).error().code == ErrorCode::unavailable);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto listing = OutboxStore::read(folder.box());
    ::_exit(listing && listing->pending.size() == 1 && listing->outcomes.size() == 1 ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(OutboxStore::read(folder.path).error().code == ErrorCode::not_found);
}

TEST_CASE("our own last write of a key is remembered while anything is pending, and not longer") {
  const Folder folder;
  auto store = opened(folder);
  std::vector<OutboxRecord> records{put_of("x", 1), put_of("x", 2)};
  REQUIRE(store->append(records));
  REQUIRE(store->settle(applied(1), {{"a.b", "x", Epoch(7), Revision(12), false, true, encode_value(1)}}));
  const auto own = store->own("a.b", "x").value();
  REQUIRE(own);
  CHECK(own->rev == Revision(12));
  CHECK(own->merged);
  CHECK(own->called == encode_value(1));
  REQUIRE(store->settle(applied(2), {{"a.b", "x", Epoch(7), Revision(13), false, false, {}}}));
  CHECK_FALSE(store->own("a.b", "x").value());
}

TEST_CASE(
    "what our own writes became is kept for keys that a pending write names, counted, and no longer (S3)") {
  const Folder folder;
  std::size_t left = 0;
  {
    auto store = opened(folder);
    std::vector<OutboxRecord> records{put_of("x", 1), put_of("y", 2), put_of("x", 3), put_of("z", 4)};
    records[3].guards.push_back({"a.c", "needed", Revision(1)});
    REQUIRE(store->append(records));
    CHECK(store->holds(order_key("a.b", "x")));
    CHECK(store->holds(order_key("a.c", "needed")));
    CHECK(store->holds(order_key("a.c", "")));
    CHECK_FALSE(store->holds(order_key("a.b", "needed")));
    const std::string called = encode_value(std::string(5000, 'c'));
    const auto became = [&](std::string key) {
      return std::vector<OutboxStore::Own>{
          {"a.b", std::move(key), Epoch(7), Revision(12), false, true, called}};
    };
    const std::size_t before = store->bytes();
    REQUIRE(store->settle(applied(1), became("x")));
    CHECK(store->own("a.b", "x").value());
    CHECK(store->bytes() > before + 4000);
    REQUIRE(store->settle(applied(2), became("y")));  // nothing else pending names it
    CHECK_FALSE(store->own("a.b", "y").value());
    CHECK_FALSE(store->holds(order_key("a.b", "y")));
    left = store->bytes();
  }
  auto store = opened(folder);
  CHECK(store->bytes() == left);
  CHECK(store->holds(order_key("a.b", "x")));
  CHECK_FALSE(store->holds(order_key("a.b", "y")));
  REQUIRE(store->settle(applied(3), {}));
  CHECK_FALSE(store->own("a.b", "x").value());
  CHECK(store->bytes() < left - 4000);
  CHECK(store->holds(order_key("a.b", "")));
  REQUIRE(store->settle(applied(4), {}));
  CHECK_FALSE(store->holds(order_key("a.b", "")));
  REQUIRE(store->acknowledge({1, 2, 3, 4}));
  CHECK(store->bytes() == 0);
}

TEST_CASE("a settling that the disk refuses changes nothing of what is held") {
  const Folder folder;
  FailingCommit faults;
  OutboxStore::Limits limits = kLimits;
  limits.faults = &faults;
  auto store = opened(folder, limits);
  std::vector<OutboxRecord> records{put_of("x", 1)};
  REQUIRE(store->append(records));
  const std::size_t bytes = store->bytes();
  faults.code = ENOSPC;
  CHECK_FALSE(store->settle(applied(1), {}));
  CHECK(store->holds(order_key("a.b", "x")));
  CHECK(store->bytes() == bytes);
  faults.code = 0;
  REQUIRE(store->settle(applied(1), {}));
  CHECK_FALSE(store->holds(order_key("a.b", "x")));
}

TEST_CASE(
    "a disk that fails is told: no space is read_only, an unknown commit is timeout, nothing is counted") {
  const Folder folder;
  FailingCommit faults;
  OutboxStore::Limits limits = kLimits;
  limits.faults = &faults;
  auto store = opened(folder, limits);
  std::vector<OutboxRecord> records{put_of("x", 1)};
  faults.code = ENOSPC;
  CHECK(store->append(records).error().code == ErrorCode::read_only);
  CHECK(store->pending() == 0);
  faults.code = 0;
  REQUIRE(store->append(records));
  CHECK(records[0].id == 2);
  faults.fails = lmdb::DiskFaults::Point::commit_unknown;
  faults.code = EIO;
  CHECK(store->append(records).error().code == ErrorCode::timeout);
  CHECK_FALSE(store->append(records));
}

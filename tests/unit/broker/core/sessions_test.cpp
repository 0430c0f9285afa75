#include "broker/core/sessions.hpp"

#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

using testing::Hall;

const Wall kStart = Wall(std::chrono::hours(24 * 365 * 50));

StoredTransaction write(std::uint64_t rev, std::uint64_t n, Wall time = kStart,
                        std::string session = "sessions", std::string by = "anonymous") {
  StoredTransaction txn;
  txn.rev = Revision(rev);
  txn.time = time;
  txn.by = std::move(by);
  txn.req = RequestId{std::move(session), n};
  return txn;
}

struct Desk {
  Hall hall;
  Sessions sessions;
  explicit Desk(SessionLimits limits = {}) : sessions(limits, hall.state) {}

  void apply(std::uint64_t rev, std::uint64_t n, Wall time = kStart) {
    const StoredTransaction txn = write(rev, n, time);
    sessions.add_pending(txn);
    sessions.apply(txn);
  }
  Result<Sessions::Standing> look(std::uint64_t n, Wall now = kStart) {
    return sessions.look("anonymous", "sessions", n, now);
  }
  std::optional<Revision> applied(std::uint64_t n, Wall now = kStart) {
    const auto standing = look(n, now);
    REQUIRE(standing.has_value());
    return standing->applied;
  }
};

}  // namespace

TEST_CASE("an applied request id is known, one in flight too, a new one is neither (I7)") {
  Desk desk;
  desk.apply(1, 7);
  desk.sessions.add_pending(write(2, 8));
  CHECK(desk.applied(7) == Revision(1));
  CHECK(desk.look(8)->pending == Revision(2));
  CHECK_FALSE(desk.look(9)->applied);
  CHECK_FALSE(desk.look(9)->pending);
  desk.sessions.drop(write(2, 8));
  CHECK_FALSE(desk.look(8)->pending);
}

TEST_CASE("outcomes of n above M - 1,024 are kept, gaps allowed; an older n is refused (I7)") {
  Desk desk;
  std::uint64_t rev = 0;
  for (std::uint64_t n = 0; n <= 3000; n += 3) desk.apply(++rev, n);
  for (std::uint64_t n = 1977; n <= 3000; ++n) {
    CHECK(desk.applied(n) == (n % 3 == 0 ? std::optional(Revision(n / 3 + 1)) : std::nullopt));
  }
  const auto old = desk.look(1976);
  REQUIRE_FALSE(old.has_value());
  CHECK(old.error().code == ErrorCode::invalid_argument);
  CHECK(old.error().field == "req");
}

TEST_CASE("a number 2,048 above one that counts waits: they would share a slot (I7)") {
  Desk desk;
  desk.apply(1, 5);
  const auto far = desk.look(5 + 2048);
  REQUIRE_FALSE(far.has_value());
  CHECK(far.error().code == ErrorCode::overloaded);
  CHECK(desk.applied(5) == Revision(1));
  desk.apply(2, 5 + 2047);
  CHECK(desk.applied(5 + 2047) == Revision(2));
  CHECK(desk.look(5 + 4096).has_value());  // 5 counts no more
}

TEST_CASE("an application of writes in another order than their numbers keeps them all (I7)") {
  Desk desk;
  for (const std::uint64_t n : {900, 20, 1023, 8, 512}) desk.sessions.add_pending(write(n, n));
  for (const std::uint64_t n : {900, 20, 1023, 8, 512}) desk.sessions.apply(write(n, n));
  for (const std::uint64_t n : {900, 20, 1023, 8, 512}) CHECK(desk.applied(n) == Revision(n));
}

TEST_CASE("over 1,024 writes of a session in flight are overloaded (I8)") {
  Desk desk;
  for (std::uint64_t n = 1; n <= 1024; ++n) desk.sessions.add_pending(write(n, n));
  CHECK(desk.look(1025).error().code == ErrorCode::overloaded);
  CHECK(desk.look(1024)->pending == Revision(1024));
  desk.sessions.drop(write(1024, 1024));
  CHECK(desk.look(1025).has_value());
}

TEST_CASE("a session is kept an hour after its last write, and then begins anew") {
  Desk desk;
  desk.apply(1, 5000);
  const Wall hour = kStart + std::chrono::hours(1);
  CHECK(desk.applied(5000, hour) == Revision(1));
  CHECK_FALSE(desk.look(1, hour).has_value());
  CHECK_FALSE(desk.applied(5000, hour + std::chrono::microseconds(1)));
  CHECK(desk.sessions.size() == 0);
}

TEST_CASE("what is read back at a start and was over begins anew with the write after it") {
  Desk desk;
  const Wall later = kStart + std::chrono::hours(2);
  desk.sessions.apply(write(1, 5000));
  desk.sessions.apply(write(2, 1, later));
  CHECK(desk.applied(1, later) == Revision(2));
  CHECK_FALSE(desk.applied(2, later));
}

TEST_CASE("sessions are limited in all and to a quarter per principal, none goes early (I8)") {
  Desk desk({8, 2});
  desk.sessions.apply(write(1, 1, kStart, "one"));
  desk.sessions.apply(write(2, 1, kStart, "two"));
  const auto look = [&desk](const char* by, const std::string& session, Wall now) {
    return desk.sessions.look(by, session, 1, now);
  };
  CHECK(look("anonymous", "three", kStart).error().code == ErrorCode::overloaded);
  CHECK(look("anonymous", "one", kStart)->applied == Revision(1));
  CHECK(look("somebody", "three", kStart).has_value());
  for (std::uint64_t i = 0; i < 6; ++i) {
    desk.sessions.apply(write(3 + i, 1, kStart, "s", "principal " + std::to_string(i)));
  }
  CHECK(look("somebody", "three", kStart).error().code == ErrorCode::overloaded);
  CHECK(look("anonymous", "three", kStart + std::chrono::minutes(61)).has_value());
}

TEST_CASE("sessions of two principals with one name are two") {
  Desk desk;
  desk.sessions.apply(write(1, 1, kStart, "sessions", "a"));
  CHECK_FALSE(desk.applied(1));
  CHECK(desk.sessions.look("a", "sessions", 1, kStart)->applied == Revision(1));
}

TEST_CASE("a restart finds the outcomes in the state and in the unfolded tail (I7)") {
  Hall hall;
  std::vector<TransactionPtr> batch;
  for (std::uint64_t n = 1; n <= 1500; ++n) {
    auto txn = std::make_shared<StoredTransaction>(write(n, n));
    batch.push_back(std::move(txn));
  }
  REQUIRE(hall.store.state.fold(batch, Wall{}).has_value());
  hall.state.renew();
  Sessions sessions({}, hall.state);
  REQUIRE(sessions.load(kStart).has_value());
  sessions.apply(write(1501, 1501));  // from the tail, before the state's outcomes are looked at
  const auto look = [&sessions](std::uint64_t n) {
    return sessions.look("anonymous", "sessions", n, kStart);
  };
  CHECK(sessions.size() == 1);
  CHECK(look(1501)->applied == Revision(1501));
  CHECK(look(1500)->applied == Revision(1500));
  CHECK(look(478)->applied == Revision(478));
  CHECK(look(477).error().field == "req");
  CHECK_FALSE(look(1502)->applied);
}

TEST_CASE("sessions that are over and still on disk keep no living one out at a start (I7)") {
  Hall hall;
  std::vector<TransactionPtr> batch;
  const auto add = [&batch](Wall time, std::string session) {
    batch.push_back(
        std::make_shared<StoredTransaction>(write(batch.size() + 1, 1, time, std::move(session))));
  };
  for (std::size_t i = 0; i < limits::kSessions; ++i) add(kStart, "o" + std::to_string(i));
  const Wall later = kStart + limits::kSessionLife + std::chrono::seconds(1);
  add(later, "young");
  REQUIRE(hall.store.state.fold(batch, Wall{}).has_value());
  hall.state.renew();
  Sessions sessions({}, hall.state);
  REQUIRE(sessions.load(later).has_value());
  CHECK(sessions.size() == 1);
  CHECK(sessions.look("anonymous", "young", 1, later)->applied == Revision(limits::kSessions + 1));
}

}  // namespace prismbus

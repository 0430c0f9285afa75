// The rules in force: read back at start, changed by transactions, their generation; revocations.
#include "broker/core/rule_book.hpp"

#include "broker/store/disk_keys.hpp"
#include "broker/store/state_tables.hpp"

#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kEmpty = "\x80";
void ignore(LogLevel, std::string_view) {}

std::string path_of(std::string_view key, std::string_view value) {
  const auto revocation = decode_revocation(key, value);
  return revocation ? "taken" : revocation.error().path.value_or("none");
}

}  // namespace

TEST_CASE("a revocation is of a token or of a principal's tokens up to a time, and what is wrong is named") {
  const std::string hash(64, 'a');
  CHECK(path_of("token/" + hash, kEmpty) == "taken");
  CHECK(path_of("sub/alice", {"\x81\xa6"
                              "before\x05",
                              9}) == "taken");
  CHECK(path_of("sub/alice", kEmpty) == "value.before");
  CHECK(path_of("sub/", {"\x81\xa6"
                         "before\x05",
                         9}) == "key");
  CHECK(path_of("token/" + hash.substr(1), kEmpty) == "key");
  CHECK(path_of("token/" + std::string(64, 'A'), kEmpty) == "key");
  CHECK(path_of("alice", kEmpty) == "key");
  CHECK(path_of("token/" + hash, "\x90") == "value");
  CHECK(path_of("token/" + hash, {"\x81\xa2"
                                  "by\x01",
                                  5}) == "value.by");
  CHECK(path_of("token/" + hash, {"\x81\xa6reason\x01", 9}) == "value.reason");
}

TEST_CASE("revoked are one token, or all of a principal that are not younger") {
  Revocations revoked;
  const std::string hash(64, 'b');
  revoked.set("token/" + hash, {});
  CHECK(revoked.revoke("anybody", from_micros(9), hash));
  CHECK_FALSE(revoked.revoke("anybody", from_micros(9), std::string(64, 'c')));
  revoked.set("sub/alice", {from_micros(100)});
  CHECK(revoked.revoke("alice", from_micros(100), "x"));
  CHECK(revoked.revoke("alice", std::nullopt, "x"));
  CHECK_FALSE(revoked.revoke("alice", from_micros(101), "x"));
  CHECK_FALSE(revoked.revoke("bob", from_micros(1), "x"));
  revoked.erase("sub/alice");
  CHECK_FALSE(revoked.revoke("alice", from_micros(1), "x"));
}

TEST_CASE("rules come back at start, and their generation with them") {
  testing::Hall hall;
  RuleBook book(ignore);
  REQUIRE(book.load(hall.store));
  CHECK(book.rules()->generation == 0);
  const auto change = [&](std::vector<TxnRequest::Do> items) {
    return book.apply(*hall.apply(std::move(items)));
  };
  CHECK_FALSE(change({{ChangeOp::put, "a", "k", kEmpty}}));
  CHECK(change({{ChangeOp::put, kPolicyNamespace, "a.**", kEmpty}}));
  CHECK(change({{ChangeOp::put,
                 kRevokedNamespace,
                 "sub/alice",
                 {"\x81\xa6"
                  "before\x05",
                  9}}}));
  CHECK(change({{ChangeOp::put, kPolicyNamespace, "b", kEmpty},
                {ChangeOp::put,
                 kRevokedNamespace,
                 "sub/bob",
                 {"\x81\xa6"
                  "before\x05",
                  9}}}));
  CHECK(book.rules()->generation == 4);
  CHECK(book.policy().size() == 2);
  CHECK(book.rules()->revoked->size() == 2);
  const AccessRulesPtr kept = book.rules();
  CHECK(change({{ChangeOp::del, kPolicyNamespace, "b", {}}}));
  CHECK(kept->policy->size() == 2);  // what others keep does not change under them
  hall.fold();
  RuleBook again(ignore);
  REQUIRE(again.load(hall.store));
  CHECK(again.rules()->generation == 5);
  CHECK(again.policy().size() == 1);
  CHECK(again.rules()->revoked->revoke("bob", std::nullopt, ""));
}

TEST_CASE(
    "with a rule that cannot be read there are no rules at all: the one that is lost may be a deny (I10)") {
  testing::Hall hall;
  hall.put(kPolicyNamespace, "a.**", kEmpty);
  hall.put(kPolicyNamespace, "b.**", kEmpty);
  hall.fold();
  {
    DiskKey key;
    auto txn = lmdb::WriteTxn::begin(hall.store.state.env());
    REQUIRE(txn);
    REQUIRE(txn->put(hall.store.state.tables()->head, key.head(kPolicyNamespace, "b.**"), "damaged"));
    REQUIRE(txn->commit());
  }
  RuleBook book(ignore);
  const auto loaded = book.load(hall.store);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == ErrorCode::internal);
  CHECK(book.policy().empty());
}

TEST_CASE("rules are looked at with a write in them before it is one") {
  AccessRules rules;
  const auto with = rules_with(rules, {{kPolicyNamespace, "a", kEmpty},
                                       {kRevokedNamespace, "sub/x",
                                        std::string_view("\x81\xa6"
                                                         "before\x05",
                                                         9)}});
  CHECK(with.policy->size() == 1);
  CHECK(with.revoked->size() == 1);
  CHECK(rules.policy->size() == 0);
  CHECK(rules_with(with, {{kPolicyNamespace, "a", std::nullopt}}).policy->size() == 0);
}

}  // namespace prismbus

// One request of every op, with all its fields.
#include <utility>

#include "proto/wire/codec/request.hpp"
#include "tests/golden/wire/examples.hpp"

namespace prismbus::golden {
namespace {

constexpr std::string_view kSession("\x00\x01\x02\x03\xfc\xfd\xfe\xff", 8);
constexpr std::string_view kCursor(
    "\x00\xff"
    "cursor",
    8);

Request request_of(std::uint64_t id, RequestBody body) {
  return {
      .id = {false, id}, .token = std::nullopt, .epoch = Epoch(0x0123456789abcdef), .body = std::move(body)};
}

std::string encoded(std::uint64_t id, RequestBody body) {
  return codec::encode_request(request_of(id, std::move(body)));
}

HelloRequest hello() {
  HelloRequest hello{"pricing",    "2.1.0",  "pricing-7", {{"rack", "r1"}, {"zone", "b"}},
                     {"a.b", "c"}, {"", "d"}};
  return hello;
}

}  // namespace

std::vector<Example> request_examples() {
  const WriteOptions write{kSession, 12, "raise the caps"};
  const ReadOptions read{.at = Revision(40),
                         .at_time = 1'700'000'000'000'000,
                         .min_rev = Revision(39),
                         .consistency = Consistency::local};
  const Page page{kCursor, 100};
  Request first = request_of(1, hello());
  first.epoch.reset();
  first.token = "header.claims.signature";
  Request least{.id = {true, 1ull << 63}, .token = {}, .epoch = {}, .body = GetRequest{"a", "k", {}}};
  Request most{.id = {false, ~0ull}, .token = {}, .epoch = {}, .body = StatusRequest{}};
  return {
      {"request_hello", codec::encode_request(first)},
      {"request_get", encoded(2, GetRequest{"trading.leverage", "tiers/BTC-USD", read})},
      {"request_get_least", codec::encode_request(least)},
      {"request_mget", encoded(3, MGetRequest{"a.b", {"k2", "k1", "k2"}, page, {}})},
      {"request_list", encoded(4, ListRequest{"a.b", true, false, "tiers/", "tiers/**", page, {}})},
      {"request_namespaces", encoded(5, NamespacesRequest{"a", page})},
      {"request_put",
       encoded(6, PutRequest{"trading.leverage", "tiers/BTC-USD", kValue, Revision(41), write})},
      {"request_delete", encoded(7, DeleteRequest{"a.b", "k", Revision(0), write})},
      {"request_txn",
       encoded(8, TxnRequest{{{ChangeOp::put, "a.b", "k1", kValue}, {ChangeOp::del, "c", "k2", {}}},
                             {{"d", "k3", Revision(7)}},
                             write})},
      {"request_snapshot_ns", encoded(9, SnapshotRequest{"a.b", {}, kCursor, 65536})},
      {"request_snapshot_under", encoded(10, SnapshotRequest{{}, "", {}, {}})},
      {"request_changes_since", encoded(11, ChangesRequest{{{"a.b", Seq(5)}, {"c", Seq(0)}}, {}, {}, page})},
      {"request_changes_under", encoded(12, ChangesRequest{{}, "a", Revision(40), {}})},
      {"request_history", encoded(13, HistoryRequest{"a.b", "k", Revision(40), page})},
      {"request_diff", encoded(14, DiffRequest{"a.b", Revision(7), Revision(0), page})},
      {"request_rollback", encoded(15, RollbackRequest{"a.b", {}, Revision(7), write})},
      {"request_rollback_key", encoded(16, RollbackRequest{"a.b", "k", Revision(7), {}})},
      {"request_backup", encoded(17, BackupRequest{"nightly-2026-11-24.1"})},
      {"request_audit", encoded(25, AuditRequest{"a.b", "alice", 1'764'279'600'123'456, page})},
      {"request_audit_least", encoded(26, AuditRequest{})},
      {"request_keys", encoded(23, KeysRequest{{"a.b", "c"}, {"", "d.e"}, 3u << 20, page})},
      {"request_keys_least", encoded(24, KeysRequest{})},
      {"request_ack", encoded(18, AckRequest{{{"a.b", Seq(5)}, {"c", Seq(0)}},
                                             {{"a.b", Seq(4), "tick_size", "must be > 0"}},
                                             {310, 70'000},
                                             "live"})},
      {"request_ack_least", encoded(19, AckRequest{})},
      {"request_subscribers", encoded(20, SubscribersRequest{"a.b", page})},
      {"request_wait_applied", encoded(21, WaitAppliedRequest{"a.b", Seq(5), 2000, {}})},
      {"request_wait_applied_count", encoded(21, WaitAppliedRequest{"a.b", Seq(5), 2000, 3})},
      {"request_status", codec::encode_request(most)},
  };
}

}  // namespace prismbus::golden

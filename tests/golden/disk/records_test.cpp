// Every kind of disk record against the bytes kept in the repository, and back.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/state_record.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

constexpr Epoch kEpoch{0x0123456789abcdef};

void require_golden(const std::string& name, const std::string& bytes) {
  INFO(name);
  const std::string path = std::string(PRISMBUS_GOLDEN_DIR) + "/disk/" + name;
  if (std::getenv("PRISMBUS_GOLDEN_WRITE") != nullptr) std::ofstream(path, std::ios::binary) << bytes;
  std::ifstream file(path, std::ios::binary);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(kept == bytes);
}

struct Samples {
  Samples() {
    options.by = "alice";
    options.note = "first";
    options.req = RequestId{"\x01\x02\x03\x04\x05\x06\x07\x08", 7};
    put = history.commit({{"market.binance", "limits/btc", text_value("one")}}, options);
    txn = history.commit({{"market.okx", "z", text_value("z")},
                          {"market.binance", "limits/btc", std::nullopt},
                          {"market.okx", "a", text_value("a")}});
  }
  SampleHistory history{kEpoch};
  SampleHistory::Options options;
  TransactionPtr put, txn;
};

}  // namespace

TEST_CASE("golden: journal records") {
  const Samples samples;
  std::string first, second, meta;
  encode_journal_record(first, *samples.put, {});
  require_golden("journal_put.bin", first);
  encode_journal_record(second, *samples.txn, chain_hash(first));
  require_golden("journal_txn.bin", second);
  encode_journal_meta(meta, {1, kEpoch, Revision(1), chain_hash(first), Revision(2)});
  require_golden("journal_meta.bin", meta);

  const auto put = decode_journal_record(first, Revision(1));
  REQUIRE(put);
  CHECK(put->previous == Hash128{});
  CHECK(put->txn->by == "alice");
  CHECK(put->txn->note == "first");
  CHECK(put->txn->req == samples.put->req);
  CHECK(put->txn->time == samples.put->time);
  CHECK(outcome_of(*put->txn).versions == std::vector<std::uint64_t>{1});
  const auto txn = decode_journal_record(second, Revision(2));
  REQUIRE(txn);
  CHECK(txn->previous == chain_hash(first));
  CHECK(outcome_of(*txn->txn).versions == std::vector<std::uint64_t>{1, 0, 1});
  CHECK(outcome_of(*txn->txn).seqs ==
        std::vector<std::pair<std::string, Seq>>{{"market.binance", Seq(2)}, {"market.okx", Seq(1)}});
  CHECK(txn->txn->sets[1]->changes[0].key == "z");
  CHECK(txn->txn->sets[1]->encoded == samples.txn->sets[1]->encoded);
  const auto back = decode_journal_meta(meta);
  REQUIRE(back);
  CHECK(back->epoch == kEpoch);
  CHECK(back->hash_at_floor == chain_hash(first));

  CHECK_FALSE(decode_journal_record(first, Revision(2)));  // under another key
  CHECK_FALSE(decode_journal_record("", Revision(1)));
}

TEST_CASE("golden: state records") {
  const Samples samples;
  const StoredChange& put = samples.put->sets[0]->changes[0];
  const StoredChange& del = samples.txn->sets[0]->changes[0];
  const VersionLinks links{6, {Revision(50), Revision(40)}};
  DiskKey key;
  std::string record;

  const std::string head_key(key.head("market.binance", "limits/btc"));
  encode_head(record, head_key, *samples.put, put, links);
  require_golden("head.bin", record);
  const auto head = decode_head_record(head_key, record);
  REQUIRE(head);
  CHECK(head->entry.value == text_value("one"));
  CHECK(head->entry.by == "alice");
  CHECK(head->links == links);
  CHECK_FALSE(decode_head(key.head("market.binance", "limits/btd"), record));

  const std::string put_key(key.history(Revision(1), "market.binance", "limits/btc"));
  encode_history(record, put_key, *samples.put, put, links);
  require_golden("history_put.bin", record);
  const auto version = decode_history(put_key, record);
  REQUIRE(version);
  CHECK(version->note == "first");
  CHECK(version->session == samples.put->req->session);
  CHECK(version->n == 7);
  CHECK(version->links == links);

  const std::string del_key(key.history(Revision(2), "market.binance", "limits/btc"));
  encode_history(record, del_key, *samples.txn, del, links_after({1, {}}, Revision(1)));
  require_golden("history_delete.bin", record);
  CHECK(decode_history(del_key, record)->op == ChangeOp::del);

  encode_deleted(record, head_key, {Revision(2), links_after({1, {}}, Revision(1))});
  require_golden("deleted.bin", record);
  CHECK(decode_deleted(head_key, record)->links.ordinal == 2);

  const std::string set_key(key.changeset("market.okx", Seq(1)));
  encode_changeset(record, set_key, Revision(2));
  require_golden("changeset.bin", record);
  CHECK(decode_changeset(set_key, record) == Revision(2));

  const RecentHead ns = head_after(*samples.txn, *samples.txn->sets[1]);
  encode_namespace(record, "market.okx", ns);
  require_golden("namespace.bin", record);
  CHECK(decode_namespace("market.okx", record)->figures == ns.figures);
  CHECK(decode_namespace("market.okx", record)->head == ns.head);

  const std::string session_key(key.session_header("alice", "sessionA"));
  encode_session_header(record, session_key, {9, samples.put->time});
  require_golden("session_header.bin", record);
  CHECK(decode_session_header(session_key, record)->highest == 9);

  const std::string outcomes_key(key.session_outcomes("alice", "sessionA"));
  encode_session_outcomes(record, outcomes_key, {9, {}, {{3, Revision(10)}, {9, Revision(12)}}});
  require_golden("session_outcomes.bin", record);
  CHECK(decode_session_outcomes(outcomes_key, record)->outcomes ==
        std::vector<std::pair<std::uint64_t, Revision>>{{3, Revision(10)}, {9, Revision(12)}});

  encode_state_meta(record, {1, kEpoch, Revision(2), Revision(1)});
  require_golden("state_meta.bin", record);
  CHECK(decode_state_meta(record)->folded == Revision(2));
}

TEST_CASE("a newer disk format is refused by name, not as damage") {
  std::string record;
  encode_journal_meta(record, {2, kEpoch, Revision(), {}, Revision()});
  CHECK(decode_journal_meta(record).error().code == ErrorCode::unsupported);
  encode_state_meta(record, {7, kEpoch, Revision(), Revision()});
  CHECK(decode_state_meta(record).error().code == ErrorCode::unsupported);
}

}  // namespace prismbus::test

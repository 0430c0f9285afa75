#include "proto/wire/codec/request.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/proto/wire/json_bytes.hpp"

using namespace prismbus;
using codec::decode_request;
using codec::encode_request;
using testing::pack_json;
using testing::pack_text;

namespace {

// `payload` has to outlive what is returned: decoded requests lend from it.
Request decoded(const std::string& payload) {
  auto request = decode_request(payload);
  if (!request) FAIL(request.error().error.message << " at " << request.error().error.field.value_or("-"));
  CHECK(decode_request(encode_request(*request)));
  return *request;
}

template <class Body>
Body body_of(const std::string& payload) {
  const Request request = decoded(payload);
  REQUIRE(std::holds_alternative<Body>(request.body));
  return std::get<Body>(request.body);
}

}  // namespace

TEST_CASE("the envelope: op, id, token, epoch, and unknown fields ignored") {
  const auto payload =
      pack_text(R"({"op":"get","ns":"a","key":"k","id":7,"token":"t","epoch":9,"later":{"x":[1]},"ok":1.5})");
  const Request request = decoded(payload);
  CHECK(request.id == MessageId{false, 7});
  CHECK(request.token == "t");
  CHECK(request.epoch == Epoch(9));
}

TEST_CASE("an id is any integer from -2^63 to 2^64-1, and 0 when absent") {
  const auto id_of = [](const char* json) {
    const auto payload = pack_text(json);
    return decoded(payload).id;
  };
  CHECK(id_of(R"({"op":"status"})") == MessageId{});
  CHECK(id_of(R"({"op":"status","id":18446744073709551615})") == MessageId{false, ~0ull});
  CHECK(id_of(R"({"op":"status","id":-1})") == MessageId{true, ~0ull});
  CHECK(id_of(R"({"op":"status","id":-9223372036854775808})") == MessageId{true, 1ull << 63});
}

TEST_CASE("an op that is not served is told by its name, with its id") {
  const auto payload = pack_text(R"({"op":"fly","id":3,"ns":5})");
  const auto request = decode_request(payload);
  REQUIRE(request);
  CHECK(request->id == MessageId{false, 3});
  REQUIRE(std::holds_alternative<UnsupportedRequest>(request->body));
  CHECK(std::get<UnsupportedRequest>(request->body).op == "fly");
}

TEST_CASE("hello says who asks and what it follows") {
  const auto payload = pack_text(
      R"({"op":"hello","client":{"name":"n","version":"1","instance":"i","labels":{"zone":"b","a":""}},
    "follow":{"ns":["a.b","c"],"under":["","d"]}})");
  const auto hello = body_of<HelloRequest>(payload);
  CHECK(hello.name == "n");
  CHECK(hello.version == "1");
  CHECK(hello.instance == "i");
  CHECK(hello.labels.size() == 2);
  CHECK(hello.follow_ns == std::vector<std::string_view>{"a.b", "c"});
  CHECK(hello.follow_under == std::vector<std::string_view>{"", "d"});
  const auto bare = pack_text(R"({"op":"hello"})");
  CHECK(body_of<HelloRequest>(bare).name.empty());
}

TEST_CASE("get takes its read options") {
  const auto payload =
      pack_text(R"({"op":"get","ns":"a.b","key":"k","at":3,"at_time":4,"min_rev":5,"consistency":"local"})");
  const auto get = body_of<GetRequest>(payload);
  CHECK(get.ns == "a.b");
  CHECK(get.key == "k");
  CHECK(get.read.at == Revision(3));
  CHECK(get.read.at_time == 4u);
  CHECK(get.read.min_rev == Revision(5));
  CHECK(get.read.consistency == Consistency::local);
  const auto plain =
      pack_text(R"({"op":"get","ns":"_system.policy","key":"k","consistency":"linearizable"})");
  CHECK(body_of<GetRequest>(plain).read.consistency == Consistency::linearizable);
}

TEST_CASE("mget keeps its keys in order, repeated ones too") {
  const auto payload = pack_text(R"({"op":"mget","ns":"a","keys":["b","a","b"],"after":{"$bin":"cur"}})");
  const auto mget = body_of<MGetRequest>(payload);
  CHECK(mget.keys == std::vector<std::string_view>{"b", "a", "b"});
  CHECK(mget.page.after == "cur");
}

TEST_CASE("list takes subtree, prefix, glob, values and a page") {
  const auto payload = pack_text(
      R"({"op":"list","ns":"a","subtree":true,"prefix":"p","glob":"p*","values":false,"limit":10,"after":"text"})");
  const auto list = body_of<ListRequest>(payload);
  CHECK(list.subtree);
  CHECK_FALSE(list.values);
  CHECK(list.prefix == "p");
  CHECK(list.glob == "p*");
  CHECK(list.page.limit == 10u);
  CHECK(list.page.after == "text");
  const auto plain = pack_text(R"({"op":"list","ns":"a"})");
  CHECK(body_of<ListRequest>(plain).values);
}

TEST_CASE("namespaces and snapshot take a subtree, the empty one too") {
  const auto all = pack_text(R"({"op":"namespaces"})");
  CHECK(body_of<NamespacesRequest>(all).under.empty());
  const auto under = pack_text(R"({"op":"namespaces","under":"a.b","limit":1})");
  CHECK(body_of<NamespacesRequest>(under).under == "a.b");
  const auto everything = pack_text(R"({"op":"snapshot","under":"","max_bytes":1000})");
  CHECK(body_of<SnapshotRequest>(everything).under == "");
  const auto one = pack_text(R"({"op":"snapshot","ns":"a"})");
  CHECK(body_of<SnapshotRequest>(one).ns == "a");
}

TEST_CASE("a put's value is lent byte for byte, however it was encoded") {
  std::string payload =
      "\x84\xa2op\xa3put\xa2ns\xa1"
      "a\xa3key\xa1k\xa5value";
  payload += std::string("\xcd\x00\x05", 3);  // 5 in three bytes
  const auto put = body_of<PutRequest>(payload);
  CHECK(put.value == std::string_view("\xcd\x00\x05", 3));
  CHECK(put.value.data() >= payload.data());
  CHECK(put.value.data() < payload.data() + payload.size());
}

TEST_CASE("writes take if_rev, req and note") {
  const auto payload = pack_text(
      R"({"op":"put","ns":"a","key":"k","value":null,"if_rev":0,"req":[{"$bin":"8 bytes!"},12],"note":"why"})");
  const auto put = body_of<PutRequest>(payload);
  CHECK(put.value == "\xc0");
  CHECK(put.if_rev == Revision(0));
  CHECK(put.write.session == "8 bytes!");
  CHECK(put.write.n == 12);
  CHECK(put.write.note == "why");
  const auto bare = pack_text(R"({"op":"delete","ns":"a","key":"k"})");
  const auto del = body_of<DeleteRequest>(bare);
  CHECK_FALSE(del.if_rev);
  CHECK_FALSE(del.write.session);
}

TEST_CASE("a transaction keeps its items in order") {
  const auto payload = pack_text(
      R"({"op":"txn","do":[{"op":"put","ns":"b","key":"k","value":[1,{"x":2}]},{"op":"delete","ns":"a","key":"k"}],
    "if":[{"ns":"c","key":"z","rev":4}],"note":""})");
  const auto txn = body_of<TxnRequest>(payload);
  REQUIRE(txn.changes.size() == 2);
  CHECK(txn.changes[0].ns == "b");
  CHECK(txn.changes[0].value == pack_text(R"([1,{"x":2}])"));
  CHECK(txn.changes[1].op == ChangeOp::del);
  REQUIRE(txn.conditions.size() == 1);
  CHECK(txn.conditions[0].rev == Revision(4));
  CHECK(txn.write.note == "");
}

TEST_CASE("changes are asked by seqs or by a subtree and a revision") {
  const auto by_seq = pack_text(R"({"op":"changes","since":{"b":2,"a.b":0}})");
  CHECK(body_of<ChangesRequest>(by_seq).since.size() == 2);
  const auto by_rev = pack_text(R"({"op":"changes","under":"","since_rev":9,"limit":5})");
  const auto changes = body_of<ChangesRequest>(by_rev);
  CHECK(changes.under == "");
  CHECK(changes.since_rev == Revision(9));
}

TEST_CASE("history takes a key, where to begin and a page") {
  const auto payload = pack_text(R"({"op":"history","ns":"a","key":"k","before":9,"limit":5,"after":"cur"})");
  const auto history = body_of<HistoryRequest>(payload);
  CHECK(history.key == "k");
  CHECK(history.before == Revision(9));
  CHECK(history.page.limit == 5u);
  CHECK(history.page.after == "cur");
  const auto bare = pack_text(R"({"op":"history","ns":"a","key":"k"})");
  CHECK_FALSE(body_of<HistoryRequest>(bare).before);
}

TEST_CASE("diff takes two revisions in any order, 0 among them") {
  const auto payload = pack_text(R"({"op":"diff","ns":"a","from":9,"to":0,"limit":5})");
  const auto diff = body_of<DiffRequest>(payload);
  CHECK(diff.from == Revision(9));
  CHECK(diff.to == Revision(0));
  CHECK(diff.page.limit == 5u);
}

TEST_CASE("rollback is of a namespace or of one key in it, and a write like any other") {
  const auto whole =
      pack_text(R"({"op":"rollback","ns":"a","to":3,"req":[{"$bin":"8 bytes!"},12],"note":"why"})");
  const auto rollback = body_of<RollbackRequest>(whole);
  CHECK_FALSE(rollback.key);
  CHECK(rollback.to == Revision(3));
  CHECK(rollback.write.session == "8 bytes!");
  CHECK(rollback.write.n == 12);
  CHECK(rollback.write.note == "why");
  const auto one = pack_text(R"({"op":"rollback","ns":"a","key":"k","to":3})");
  CHECK(body_of<RollbackRequest>(one).key == "k");
}

TEST_CASE("backup takes a name that is one file's, never a path") {
  const auto payload = pack_text(R"({"op":"backup","name":"nightly-2026-11-24.1"})");
  CHECK(body_of<BackupRequest>(payload).name == "nightly-2026-11-24.1");
  const auto longest = pack_json({{"op", "backup"}, {"name", std::string(120, 'n')}});
  CHECK(body_of<BackupRequest>(longest).name.size() == 120);
  CHECK_FALSE(decode_request(pack_json({{"op", "backup"}, {"name", std::string(121, 'n')}})));
}

TEST_CASE("audit takes a namespace, a principal, a time and a page, all optional") {
  const auto whole = pack_text(R"({"op":"audit","ns":"a.b","by":"me","since":12,"limit":3})");
  const auto audit = body_of<AuditRequest>(whole);
  CHECK(audit.ns == "a.b");
  CHECK(audit.by == "me");
  CHECK(audit.since == 12u);
  CHECK(audit.page.limit == 3u);
  CHECK_FALSE(body_of<AuditRequest>(pack_text(R"({"op":"audit"})")).ns);
}

TEST_CASE("keys takes names, subtrees, a period and a page, all optional") {
  const auto whole = pack_text(R"({"op":"keys","ns":["a.b"],"under":["","c"],"period":9,"limit":3})");
  const auto keys = body_of<KeysRequest>(whole);
  CHECK(keys.ns == std::vector<std::string_view>{"a.b"});
  CHECK(keys.under == std::vector<std::string_view>{"", "c"});
  CHECK(keys.period == 9u);
  CHECK(keys.page.limit == 3u);
  CHECK(body_of<KeysRequest>(pack_text(R"({"op":"keys"})")).under.empty());
}

TEST_CASE("fields of other ops are unknown to this one, whatever they hold") {
  const auto payload =
      pack_text(R"({"op":"get","ns":"a","key":"k","value":{"deep":[1]},"do":7,"since":false,"limit":0})");
  CHECK(body_of<GetRequest>(payload).key == "k");
}

TEST_CASE("a message with more fields than any of version 1 is read all the same") {
  auto message = nlohmann::json::parse(R"({"op":"get","ns":"a","key":"k","id":5})");
  for (int i = 0; i < 100; ++i) message["unknown" + std::to_string(i)] = i;
  const auto payload = pack_json(message);
  CHECK(body_of<GetRequest>(payload).ns == "a");
}

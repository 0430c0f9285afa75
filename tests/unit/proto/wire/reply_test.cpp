#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/audit.hpp"
#include "proto/wire/codec/stream_keys.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/codec/stream.hpp"
#include "proto/wire/limits.hpp"
#include "tests/unit/proto/wire/json_bytes.hpp"

using namespace prismbus;
using namespace prismbus::codec;
using testing::pack_json;
using testing::pack_text;

namespace {

const ReplyHead kHead{{false, 7}, Epoch(0xfeedULL), Revision(42)};

ReplyHeader header_of(const std::string& payload) {
  auto header = decode_reply(payload);
  if (!header) FAIL(header.error().message);
  CHECK(header->id == kHead.id);
  CHECK(header->epoch == kHead.epoch);
  CHECK(header->rev == kHead.rev);
  return *header;
}

nlohmann::ordered_json as_json(const std::string& payload) {
  return nlohmann::ordered_json::from_msgpack(payload);
}

EntryView entry_view() {
  return {
      "a.b",      "k", "\x93\x01\x02\x03", Revision(41), Revision(9), 3, from_micros(1'700'000'000'000'000),
      "anonymous"};
}

Entry entry_owned() {
  return {
      "a.b",      "k", "\x93\x01\x02\x03", Revision(41), Revision(9), 3, from_micros(1'700'000'000'000'000),
      "anonymous"};
}

std::string page(std::string_view name, const std::vector<std::string>& items,
                 std::optional<std::string_view> after) {
  std::string payload = begin_reply(kHead, after ? 3 : 2);
  Writer out(payload);
  out.text(name);
  out.array(static_cast<std::uint32_t>(items.size()));
  for (const auto& item : items) out.raw(item);
  out.field("more", after.has_value());
  if (after) {
    out.text("after");
    out.bin(*after);
  }
  return payload;
}

}  // namespace

TEST_CASE("replies carry id, ok, epoch and rev first, then what the op answers") {
  CHECK(as_json(encode_put_reply(kHead, {Seq(5), 2, false})).dump() ==
        R"({"id":7,"ok":true,"epoch":65261,"rev":42,"seq":5,"version":2})");
  CHECK(as_json(encode_put_reply(kHead, {Seq(5), 2, true})).dump() ==
        R"({"id":7,"ok":true,"epoch":65261,"rev":42,"seq":5,"version":2,"duplicate":true})");
  CHECK(as_json(encode_delete_reply(kHead, {Seq(6), false})).dump() ==
        R"({"id":7,"ok":true,"epoch":65261,"rev":42,"seq":6})");
  CHECK(as_json(encode_txn_reply(kHead, {{{"a", Seq(1)}, {"b", Seq(9)}}, {1, 0}, false})).dump() ==
        R"({"id":7,"ok":true,"epoch":65261,"rev":42,"seqs":{"a":1,"b":9},"versions":[1,0]})");
  CHECK(
      as_json(encode_entry_reply(kHead, entry_view()))["entry"].dump() ==
      R"({"ns":"a.b","key":"k","value":[1,2,3],"rev":41,"version":3,"created":9,"time":1700000000000000,"by":"anonymous"})");
}

TEST_CASE("write replies come back as they went") {
  const auto put = encode_put_reply(kHead, {Seq(5), 2, true});
  const auto put_back = decode_put_reply(header_of(put));
  REQUIRE(put_back);
  CHECK(put_back->seq == Seq(5));
  CHECK(put_back->version == 2);
  CHECK(put_back->duplicate);
  const auto del = encode_delete_reply(kHead, {Seq(6), false});
  CHECK(decode_delete_reply(header_of(del))->seq == Seq(6));
  const auto txn = encode_txn_reply(kHead, {{{"a", Seq(1)}, {"b", Seq(9)}}, {1, 0, 3}, true});
  const auto txn_back = decode_txn_reply(header_of(txn));
  REQUIRE(txn_back);
  CHECK(txn_back->seqs == std::vector<std::pair<std::string, Seq>>{{"a", Seq(1)}, {"b", Seq(9)}});
  CHECK(txn_back->versions == std::vector<std::uint64_t>{1, 0, 3});
  CHECK(txn_back->duplicate);
}

TEST_CASE("an error comes back with every field it was given, under every code") {
  for (const auto& row : kErrorTable) {
    Error error;
    error.code = row.code;
    error.message = "what happened";
    error.field = "f";
    error.ns = "a";
    error.key = "k";
    error.rev = 0;
    error.index = 3;
    error.floor = 4;
    error.limit = 5;
    error.size = 6;
    error.retry_after_ms = 7;
    error.path = "p";
    error.reason = "r";
    error.incident = "i";
    const auto payload = encode_error_reply(kHead, error);
    CHECK(as_json(payload)["ok"] == false);
    const auto header = header_of(payload);
    REQUIRE(header.error);
    CHECK(*header.error == error);
    const auto refused = decode_put_reply(header);  // an op's decoder of a failed reply is that error
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == error);
  }
  Error plain;
  plain.code = ErrorCode::not_found;
  CHECK(as_json(encode_error_reply(kHead, plain))["error"].dump() == R"({"code":"not_found","message":""})");
}

TEST_CASE("a code of a later version is read as internal, its name kept in the message") {
  const auto payload = pack_text(
      R"({"id":7,"ok":false,"epoch":65261,"rev":42,"error":{"code":"melted","message":"too hot","degrees":900}})");
  const auto header = header_of(payload);
  REQUIRE(header.error);
  CHECK(header.error->code == ErrorCode::internal);
  CHECK(header.error->message == "melted: too hot");
}

TEST_CASE("hello comes back as it went, with and without an end of the token") {
  HelloReply hello;
  hello.server = "prismbus 0.1.0";
  hello.run = Run(~0ull);
  hello.changes = {"tcp://*:7401", "ipc:///run/prismbus"};
  hello.heartbeat_ms = 1000;
  hello.ack_ms = 2000;
  hello.limits = default_limits();
  hello.principal = "anonymous";
  for (const auto expires : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(99)}) {
    hello.expires = expires;
    const auto payload = encode_hello_reply(kHead, hello);
    const auto back = decode_hello_reply(header_of(payload));
    REQUIRE(back);
    CHECK(*back == hello);
    CHECK(as_json(payload)["limits"]["session_writes"] == 1024);
  }
}

TEST_CASE("pages of entries come back, with absent ones and without values") {
  std::string whole, bare, nil = "\xc0";
  Writer whole_out(whole), bare_out(bare);
  encode_entry(whole_out, entry_view());
  encode_entry_without_value(bare_out, entry_view());
  const auto payload = page("entries", {whole, nil, bare}, "cursor");
  const auto back = decode_entries_reply(header_of(payload));
  REQUIRE(back);
  REQUIRE(back->entries.size() == 3);
  CHECK(back->entries[0] == entry_owned());
  CHECK_FALSE(back->entries[1]);
  CHECK(back->entries[2]->value.empty());
  CHECK(back->entries[2]->rev == Revision(41));
  CHECK(back->more);
  CHECK(back->after == "cursor");
  const auto one = encode_entry_reply(kHead, entry_view());
  CHECK(*decode_entry_reply(header_of(one)) == entry_owned());
  const auto last = page("entries", {}, std::nullopt);
  CHECK_FALSE(decode_entries_reply(header_of(last))->more);
}

TEST_CASE("rows of namespaces, snapshot chunks and changes come back") {
  const Head head{Seq(5), Revision(40), from_micros(8), ~0ull, Lane::express};
  std::string row, secret_row, entry;
  Writer row_out(row), secret_out(secret_row), entry_out(entry);
  encode_namespace_row(row_out, "a.b", head, 3, 99, false);
  encode_namespace_row(secret_out, "c", head, 1, 9, true);
  const auto rows = page("namespaces", {row, secret_row}, std::nullopt);
  const auto namespaces = decode_namespaces_reply(header_of(rows));
  REQUIRE(namespaces);
  CHECK(namespaces->namespaces == std::vector<NamespaceRow>{{"a.b", head, 3, 99}, {"c", head, 1, 9, true}});

  encode_entry(entry_out, entry_view());
  std::string chunk = begin_reply(kHead, 3);
  Writer out(chunk);
  out.text("entries");
  out.array(1);
  out.raw(entry);
  out.text("heads");
  out.map(1);
  out.text("a.b");
  encode_head(out, head);
  out.field("more", false);
  const auto snapshot = decode_snapshot_reply(header_of(chunk));
  REQUIRE(snapshot);
  CHECK(snapshot->entries == std::vector<Entry>{entry_owned()});
  CHECK(snapshot->heads == std::vector<std::pair<std::string, Head>>{{"a.b", head}});

  std::string set;
  std::vector<ChangeOffsets> offsets;
  encode_change_set(set, {Epoch(1), Revision(40), Seq(5), from_micros(8), "me", "why"},
                    {{ChangeOp::del, "k", {}, 0}}, offsets);
  std::string payload = begin_reply(kHead, 4);
  Writer changes_out(payload);
  changes_out.text("sets");
  changes_out.array(1);
  encode_set_with_ns(changes_out, "a.b", set);
  changes_out.text("heads");
  changes_out.map(0);
  changes_out.text("failed");
  changes_out.map(1);
  changes_out.text("c");
  encode_error(changes_out, fail(ErrorCode::compacted, "gone").value());
  changes_out.field("more", false);
  CHECK(
      as_json(payload)["sets"][0].dump() ==
      R"({"ns":"a.b","epoch":1,"rev":40,"seq":5,"time":8,"by":"me","note":"why","changes":[{"op":"delete","key":"k"}]})");
  const auto changes = decode_changes_reply(header_of(payload));
  REQUIRE(changes);
  REQUIRE(changes->sets.size() == 1);
  CHECK(changes->sets[0].first == "a.b");
  CHECK(changes->sets[0].second.note == "why");
  REQUIRE(changes->failed.size() == 1);
  CHECK(changes->failed[0].second.code == ErrorCode::compacted);
}

TEST_CASE("a reply of the past says at which revision, also when it failed") {
  const ReplyHead head{kHead.id, kHead.epoch, kHead.rev, Revision(40)};
  const auto entry = encode_entry_reply(head, entry_view());
  CHECK(header_of(entry).at == Revision(40));
  CHECK(as_json(entry).dump().starts_with(R"({"id":7,"ok":true,"epoch":65261,"rev":42,"at":40,"entry":)"));
  const auto failed = encode_error_reply(head, fail(ErrorCode::not_found, "no such key").value());
  CHECK(header_of(failed).at == Revision(40));
  CHECK(header_of(failed).error->code == ErrorCode::not_found);
  CHECK_FALSE(header_of(encode_delete_reply(kHead, {Seq(6), false})).at);
}

TEST_CASE("rollback and backup replies come back as they went") {
  const auto rollback = encode_rollback_reply(kHead, {Seq(6), 3, true});
  CHECK(as_json(rollback).dump() ==
        R"({"id":7,"ok":true,"epoch":65261,"rev":42,"seq":6,"changes":3,"duplicate":true})");
  const auto back = decode_rollback_reply(header_of(rollback));
  REQUIRE(back);
  CHECK(back->seq == Seq(6));
  CHECK(back->changes == 3);
  CHECK(back->duplicate);
  const auto backup = encode_backup_reply(kHead, {"/b/one", 4096, std::string(64, 'f')});
  CHECK(as_json(backup)["path"] == "/b/one");
  CHECK(decode_backup_reply(header_of(backup))->bytes == 4096);
  CHECK(decode_backup_reply(header_of(backup))->sha256 == std::string(64, 'f'));
}

TEST_CASE("records of audit come back as they went, and half a record is refused") {
  AuditRecord write{"write", from_micros(9), "me", {"a.b", "c"}, "txn", "why", Revision(7), 2, {}, {}, 1, {}};
  AuditRecord refused{"refused",  from_micros(8),      "", {},  "get", {}, {}, 0,
                      "10.0.0.1", "permission_denied", 4,  "{}"};
  const auto payload = encode_audit_reply(kHead, {{write, refused}, true, "cursor"});
  const auto back = decode_audit_reply(header_of(payload));
  REQUIRE(back);
  CHECK(back->records == std::vector<AuditRecord>{write, refused});
  CHECK(back->more);
  CHECK(back->after == "cursor");
  CHECK_FALSE(decode_audit_reply(header_of(encode_audit_reply(kHead, {{}, true, {}}))));
}

TEST_CASE("keys of the sealed stream come back as they went, and half a key is refused") {
  KeysReply told{
      7, 1500, {{"", true, 7, std::string(32, 'n')}, {"a.b", false, 6, std::string(32, 'l')}}, false, {}};
  const auto payload = encode_keys_reply(kHead, told);
  const auto back = decode_keys_reply(header_of(payload));
  REQUIRE(back);
  CHECK(back->period == 7);
  CHECK(back->ends_in_ms == 1500);
  CHECK(back->keys == told.keys);
  for (auto spoil :
       {+[](StreamKeyRow& row) { row.key.pop_back(); }, +[](StreamKeyRow& row) { row.key += 'x'; },
        +[](StreamKeyRow& row) { row.ns = "a/"; }, +[](StreamKeyRow& row) { row.ns.clear(); }}) {
    KeysReply wrong = told;
    spoil(wrong.keys.back());
    CHECK_FALSE(decode_keys_reply(header_of(encode_keys_reply(kHead, wrong))));
  }
}

TEST_CASE("versions of a key come back, with and without what not everybody is shown") {
  const RequestId req{"8 bytes!", 12};
  const KeyVersion put{Revision(41), ChangeOp::put, "\x93\x01\x02\x03", 3, from_micros(8), "me", "why", req};
  const KeyVersion del{Revision(40), ChangeOp::del, "", 0, from_micros(7), "you", {}, {}};
  std::string first, second;
  Writer first_out(first), second_out(second);
  encode_key_version(first_out,
                     {put.rev, put.op, put.value, put.version, put.time, put.by, *put.note, &*put.req});
  encode_key_version(second_out, {del.rev, del.op, {}, 0, del.time, del.by, {}, nullptr});
  CHECK(as_json(second).dump() == R"({"rev":40,"op":"delete","time":7,"by":"you"})");
  const auto payload = page("versions", {first, second}, "cursor");
  const auto back = decode_history_reply(header_of(payload));
  REQUIRE(back);
  CHECK(back->versions == std::vector<KeyVersion>{put, del});
  CHECK(back->more);
  CHECK(back->after == "cursor");
}

TEST_CASE("differences come back with the sides they have") {
  const EntryView view = entry_view();
  std::string came, changed, went;
  Writer came_out(came), changed_out(changed), went_out(went);
  encode_key_difference(came_out, "k", nullptr, &view);
  encode_key_difference(changed_out, "k", &view, &view);
  encode_key_difference(went_out, "k", &view, nullptr);
  const auto payload = page("changes", {came, changed, went}, std::nullopt);
  const auto back = decode_diff_reply(header_of(payload));
  REQUIRE(back);
  CHECK(back->changes == std::vector<KeyDifference>{{"k", {}, entry_owned()},
                                                    {"k", entry_owned(), entry_owned()},
                                                    {"k", entry_owned(), {}}});
  CHECK_FALSE(back->more);
}

TEST_CASE("replies that break their form are errors, never half a reply") {
  for (const char* json :
       {R"(5)", R"({})", R"({"id":7,"ok":true,"epoch":1})", R"({"id":7,"epoch":1,"rev":1})",
        R"({"id":"x","ok":true,"epoch":1,"rev":1})", R"({"id":7,"ok":false,"epoch":1,"rev":1})",
        R"({"id":7,"ok":false,"epoch":1,"rev":1,"error":{"message":"no code"}})",
        R"({"id":7,"ok":true,"epoch":1,"rev":1,"at":-1})",
        R"({"id":7,"ok":true,"epoch":1,"rev":1,"at":null})",
        R"({"id":7,"ok":false,"epoch":1,"rev":1,"error":5})"}) {
    CAPTURE(json);
    CHECK_FALSE(decode_reply(pack_text(json)));
  }
  const auto fails = [](const char* fields, auto decode) {
    const auto payload = pack_text(std::string(R"({"id":7,"ok":true,"epoch":65261,"rev":42)") + fields + "}");
    return !decode(header_of(payload));
  };
  CHECK(fails(R"(,"more":false,"records":[{"what":"w","time":1,"by":"x","ns":[1]}])", decode_audit_reply));
  CHECK(fails(R"(,"more":false,"records":[{"time":1,"by":"x","ns":[]}])", decode_audit_reply));
  CHECK(fails(R"(,"more":false,"records":[{"what":"w","time":1,"by":"x","ns":[],"rev":1}])",
              decode_audit_reply));
  CHECK(fails(R"(,"more":false,"records":[7])", decode_audit_reply));
  CHECK(fails("", decode_put_reply));
  CHECK(fails(R"(,"seq":-1,"version":1)", decode_put_reply));
  CHECK(fails(R"(,"seqs":{"a/":1},"versions":[])", decode_txn_reply));
  CHECK(fails(R"(,"seqs":{"a":1},"versions":[-1])", decode_txn_reply));
  CHECK(fails(R"(,"entry":null)", decode_entry_reply));
  CHECK(fails(R"(,"seq":1)", decode_rollback_reply));
  CHECK(fails(R"(,"path":"p","bytes":-1,"sha256":"f")", decode_backup_reply));
  CHECK(fails(R"(,"versions":[{"rev":1,"op":"swap","time":1,"by":"x"}],"more":false)", decode_history_reply));
  CHECK(fails(R"(,"versions":[{"rev":1,"op":"put","time":1,"by":"x"}],"more":false)", decode_history_reply));
  CHECK(fails(R"(,"versions":[{"rev":1,"op":"delete","time":1,"by":"x","req":[1,2]}],"more":false)",
              decode_history_reply));
  CHECK(fails(R"(,"changes":[{"key":"k"}],"more":false)", decode_diff_reply));
  CHECK(fails(R"(,"changes":[{"before":{}}],"more":false)", decode_diff_reply));
  CHECK(fails(R"(,"changes":[],"more":true)", decode_diff_reply));
  CHECK(fails(R"(,"entries":[],"more":true)", decode_entries_reply));  // more, but from where?
  CHECK(fails(R"(,"entries":[5],"more":false)", decode_entries_reply));
  CHECK(fails(
      R"(,"namespaces":[{"ns":"a","seq":1,"rev":1,"time":1,"keys":1,"bytes":1,"hash":1,"lane":"slow"}],"more":false)",
      decode_namespaces_reply));
  CHECK(fails(R"(,"entries":[],"heads":{"a":{}},"more":false)", decode_snapshot_reply));
  CHECK(fails(
      R"(,"sets":[{"ns":"a","epoch":1,"rev":1,"seq":1,"time":1,"by":"x","changes":[]}],"heads":{},"more":false)",
      decode_changes_reply));
}

TEST_CASE("a page of more absent entries than a page may have keys is refused") {
  std::string payload = begin_reply(kHead, 2);
  Writer out(payload);
  out.text("entries");
  out.array(limits::kPageKeys + 1);
  payload.append(limits::kPageKeys + 1, '\xc0');
  out.field("more", false);
  CHECK_FALSE(decode_entries_reply(header_of(payload)));
}

TEST_CASE("the code of a refusal is found without decoding it; no other payload has one") {
  for (const ErrorRow& row : kErrorTable) {
    CHECK(find_refusal(encode_error_reply(kHead, error_of(row.code, "why"))) == row.code);
    ReplyHead past = kHead;
    past.at = Revision(3);
    CHECK(find_refusal(encode_error_reply(past, error_of(row.code, "why"))) == row.code);
  }
  CHECK_FALSE(find_refusal(encode_put_reply(kHead, {Seq(1), 1, false})));
  for (const std::string& payload :
       {std::string(), std::string("\xc0"), pack_json(R"({"ok":false})"), pack_json("[]"),
        pack_json(R"({"error":{"message":"no","code":"timeout"}})"),
        pack_json(R"({"error":{"code":"of a later version"}})")})
    CHECK_FALSE(find_refusal(payload));
  const std::string whole = encode_error_reply(kHead, error_of(ErrorCode::timeout, "why"));
  for (std::size_t n = 0; n < whole.find("timeout"); ++n) CHECK_FALSE(find_refusal(whole.substr(0, n)));
}

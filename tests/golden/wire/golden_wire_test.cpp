// The wire format, byte for byte. A difference here is a change of the contract, not of a test: other clients
// speak these bytes. PRISMBUS_GOLDEN_WRITE=1 writes the files anew.
#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/audit.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/codec/stream.hpp"
#include "proto/wire/codec/stream_keys.hpp"
#include "tests/golden/wire/examples.hpp"

using namespace prismbus;

namespace {

const std::filesystem::path kFolder = PRISMBUS_GOLDEN_WIRE;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<golden::Example> all_examples() {
  auto all = golden::request_examples();
  for (auto& example : golden::reply_examples()) all.push_back(std::move(example));
  for (auto& example : golden::stream_examples()) all.push_back(std::move(example));
  return all;
}

// As `xxd` prints it: offset, 16 bytes in groups of two, the printable ones as text.
std::string dump(const std::string& bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const std::string line = bytes.substr(at, 16);
    std::string hex, text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto byte = static_cast<unsigned char>(line[i]);
      hex += fmt::format("{:02x}{}", byte, i % 2 == 1 ? " " : "");
      text += byte >= 0x20 && byte < 0x7f ? line[i] : '.';
    }
    out += fmt::format("{:08x}: {:<40} {}\n", at, hex, text);
  }
  return out;
}

}  // namespace

TEST_CASE("every message is encoded to the bytes it always was") {
  const bool write = std::getenv("PRISMBUS_GOLDEN_WRITE") != nullptr;
  for (const auto& example : all_examples()) {
    CAPTURE(example.name);
    const auto path = kFolder / (example.name + ".bin");
    if (write) std::ofstream(path, std::ios::binary) << example.bytes;
    CHECK(read_file(path) == example.bytes);
  }
}

TEST_CASE("every golden file has its example and its line in the README") {
  std::set<std::string> known;
  for (const auto& example : all_examples()) known.insert(example.name + ".bin");
  const std::string readme = read_file(kFolder.parent_path() / "README.md");
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    if (file.path().extension() != ".bin") continue;
    const auto name = file.path().filename().string();
    CAPTURE(name);
    CHECK(known.count(name) == 1);
    CHECK(readme.find("`wire/" + name + "`") != std::string::npos);
    ++files;
  }
  CHECK(files == known.size());
}

TEST_CASE("requests decode from their golden bytes and encode to them again") {
  for (const auto& example : golden::request_examples()) {
    CAPTURE(example.name);
    const std::string bytes = read_file(kFolder / (example.name + ".bin"));
    const auto request = codec::decode_request(bytes);
    REQUIRE(request);
    CHECK(codec::encode_request(*request) == bytes);
  }
}

TEST_CASE("replies decode from their golden bytes") {
  const auto header_of = [](const std::string& bytes) { return codec::decode_reply(bytes).value(); };
  const auto bytes_of = [](const char* name) { return read_file(kFolder / (std::string(name) + ".bin")); };
  const auto hello = bytes_of("reply_hello");
  CHECK(codec::decode_hello_reply(header_of(hello))->limits == default_limits());
  const auto expires = bytes_of("reply_hello_expires");
  CHECK(codec::decode_hello_reply(header_of(expires))->expires == 1'700'000'600'000'000u);
  const auto entry = bytes_of("reply_entry");
  CHECK(codec::decode_entry_reply(header_of(entry))->key == "tiers/BTC-USD");
  const auto entries = bytes_of("reply_entries");
  CHECK(codec::decode_entries_reply(header_of(entries))->entries.size() == 3);
  const auto namespaces = bytes_of("reply_namespaces");
  CHECK(codec::decode_namespaces_reply(header_of(namespaces))->namespaces.at(0).keys == 17);
  CHECK_FALSE(codec::decode_namespaces_reply(header_of(namespaces))->namespaces.at(0).secret);
  const auto secret = bytes_of("reply_namespaces_secret");
  CHECK(codec::decode_namespaces_reply(header_of(secret))->namespaces.at(0).secret);
  const auto put = bytes_of("reply_put");
  CHECK(codec::decode_put_reply(header_of(put))->seq == Seq(5));
  const auto duplicate = bytes_of("reply_put_duplicate");
  CHECK(codec::decode_put_reply(header_of(duplicate))->duplicate);
  const auto del = bytes_of("reply_delete");
  CHECK(codec::decode_delete_reply(header_of(del))->seq == Seq(6));
  const auto txn = bytes_of("reply_txn");
  CHECK(codec::decode_txn_reply(header_of(txn))->versions == std::vector<std::uint64_t>{3, 0});
  const auto snapshot = bytes_of("reply_snapshot");
  CHECK(codec::decode_snapshot_reply(header_of(snapshot))->heads.at(0).second.hash == 0xfedcba9876543210);
  const auto changes = bytes_of("reply_changes");
  CHECK(codec::decode_changes_reply(header_of(changes))->failed.at(0).second.floor == 11u);
  const auto entry_at = bytes_of("reply_entry_at");
  CHECK(header_of(entry_at).at == Revision(40));
  CHECK_FALSE(header_of(entry).at);
  const auto error_at = bytes_of("reply_error_at");
  CHECK(header_of(error_at).at == Revision(40));
  CHECK(header_of(error_at).error->code == ErrorCode::not_found);
  const auto history = bytes_of("reply_history");
  CHECK(codec::decode_history_reply(header_of(history))->versions.at(0).req->n == 12);
  const auto diff = bytes_of("reply_diff");
  CHECK(codec::decode_diff_reply(header_of(diff))->changes.at(2).before->rev == Revision(42));
  const auto rollback = bytes_of("reply_rollback");
  CHECK(codec::decode_rollback_reply(header_of(rollback))->changes == 2);
  const auto rollback_again = bytes_of("reply_rollback_duplicate");
  CHECK(codec::decode_rollback_reply(header_of(rollback_again))->duplicate);
  const auto backup = bytes_of("reply_backup");
  CHECK(codec::decode_backup_reply(header_of(backup))->bytes == 40960);
  const auto audit = bytes_of("reply_audit");
  CHECK(codec::decode_audit_reply(header_of(audit))->records.at(1).times == 12);
  const auto keys = bytes_of("reply_keys");
  CHECK(codec::decode_keys_reply(header_of(keys))->keys.at(0).node);
  const auto ack = bytes_of("reply_ack");
  CHECK(codec::decode_ack_reply(header_of(ack))->behind.at(0).second.seq == Seq(5));
  const auto subscribers = bytes_of("reply_subscribers");
  CHECK(codec::decode_subscribers_reply(header_of(subscribers))->subscribers.at(0).latency_us->p99 == 70'000);
  const auto waited = bytes_of("reply_wait_applied");
  CHECK(codec::decode_wait_applied_reply(header_of(waited))->reasons.at(0).reason == "must be > 0");
  const auto error = bytes_of("reply_error");
  CHECK(header_of(error).error->incident == "5f1d");
  const auto bare = bytes_of("reply_error_bare");
  CHECK(header_of(bare).error->code == ErrorCode::unavailable);
}

TEST_CASE("stream frames decode from their golden bytes") {
  for (const auto& example : golden::stream_examples()) {
    CAPTURE(example.name);
    const std::string bytes = read_file(kFolder / (example.name + ".bin"));
    const auto frame = codec::split_stream_frame(bytes);
    REQUIRE(frame);
    switch (frame->kind) {
      case codec::StreamFrame::Kind::changes:
        CHECK(codec::decode_change_sets(frame->body));
        break;
      case codec::StreamFrame::Kind::heartbeat:
        CHECK(codec::decode_heartbeat(frame->body));
        break;
      case codec::StreamFrame::Kind::barrier:
        CHECK(codec::decode_barrier(frame->body));
        break;
    }
  }
}

TEST_CASE("the contract's page shows the golden bytes, every error and every limit") {
  const std::string page = read_file(PRISMBUS_PROTOCOL_PAGE);
  for (const char* name : {"request_put", "reply_put", "stream_put"}) {
    CAPTURE(name);
    CHECK(page.find(dump(read_file(kFolder / (std::string(name) + ".bin")))) != std::string::npos);
  }
  for (const auto& row : kErrorTable) {
    CAPTURE(row.name);
    CHECK(page.find(fmt::format("| `{}` | {} |", row.name, row.http_status)) != std::string::npos);
  }
  for (const char* limit :
       {"1..120 bytes", "1..255 bytes", "1 MiB; 32 deep", "1,000; 4 MiB", "8 MiB", "1,024 bytes"}) {
    CAPTURE(limit);
    CHECK(page.find(limit) != std::string::npos);
  }
}

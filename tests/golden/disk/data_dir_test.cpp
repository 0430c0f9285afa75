// A data directory of format 1, kept as it was written: it opens, it is sound, and it reads as its listing
// says.
#include <fmt/format.h>
#include <xxhash.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "broker/store/read_view.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

const std::string kKept = std::string(PRISMBUS_GOLDEN_DIR) + "/data_dir_format_1";
constexpr int kTransactions = 40, kFolded = 25;

// Long ones by size and hash.
std::string hex(std::string_view bytes) {
  if (bytes.size() > 48)
    return fmt::format("{} bytes {:016x}", bytes.size(), XXH3_64bits(bytes.data(), bytes.size()));
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

// All that a broker can say about a directory, a line each.
std::string listing_of(const std::string& dir) {
  auto store = Store::open({dir, kTestMap, nullptr, nullptr});
  REQUIRE(store);
  std::string out =
      fmt::format("epoch {:016x} last {} folded {} tail {}\n", store->journal.meta().epoch.value(),
                  store->journal.meta().last.value(), store->state.meta().folded.value(), store->tail.size());
  Recent recent(store->state.meta().folded);
  for (const TransactionPtr& txn : store->tail) recent.apply(txn);
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  REQUIRE(view.scan("", "", [&](std::string_view ns, std::string_view key, const EntryView* e) {
    if (e == nullptr) return true;
    out +=
        fmt::format("entry {} {} rev {} created {} version {} time {} by {} value {}\n", ns, key,
                    e->rev.value(), e->created.value(), e->version, to_micros(e->time), e->by, hex(e->value));
    return true;
  }));
  REQUIRE(view.scan_namespaces("", [&](std::string_view ns, const RecentHead& head) {
    out += fmt::format("namespace {} seq {} rev {} time {} hash {:016x} keys {} bytes {}\n", ns,
                       head.head.seq.value(), head.head.rev.value(), to_micros(head.head.time),
                       head.head.hash, head.figures.keys, head.figures.bytes);
    for (std::uint64_t seq = 1; seq <= head.head.seq.value(); ++seq) {
      const auto set = view.change_set(ns, Seq(seq));
      REQUIRE(set);
      out += fmt::format("set {} {} {}\n", ns, seq, hex(*set));
    }
    return true;
  }));
  for (std::uint64_t rev = 1; rev <= view.rev().value(); ++rev) {
    const auto txn = view.transaction(Revision(rev));
    REQUIRE(txn);
    out += fmt::format("transaction {} time {} by {} op {}", rev, to_micros((*txn)->time), (*txn)->by,
                       static_cast<int>((*txn)->op));
    if ((*txn)->note) out += fmt::format(" note '{}'", *(*txn)->note);
    if ((*txn)->req) out += fmt::format(" req {} {}", (*txn)->req->session, (*txn)->req->n);
    out += " versions";
    for (const std::uint64_t version : outcome_of(**txn).versions) out += fmt::format(" {}", version);
    out += "\n";
  }
  const auto headers = state.session_headers(Wall{});
  REQUIRE(headers);
  for (const auto& header : *headers) {
    const auto session = state.find_session(header.by, header.session);
    REQUIRE(session);
    REQUIRE(*session);
    out += fmt::format("session {} {} highest {} last {}", header.by, header.session, header.highest,
                       to_micros(header.last_write));
    for (const auto& [n, rev] : (*session)->outcomes) out += fmt::format(" {}:{}", n, rev.value());
    out += "\n";
  }
  return out;
}

void make_kept_directory() {
  std::filesystem::remove_all(kKept);
  {
    auto store = Store::open({kKept, kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    std::mt19937_64 rng(1);
    std::vector<TransactionPtr> all;
    for (int i = 0; i < kTransactions; ++i) all.push_back(history.random(rng));
    REQUIRE(store->journal.append(all));
    REQUIRE(store->state.fold(std::span(all).first(kFolded), Wall{}));
  }
  std::ofstream(kKept + "/listing.txt") << listing_of(kKept);
  for (const char* unneeded : {"/lock", "/journal/lock.mdb", "/state/lock.mdb"}) {
    std::filesystem::remove(kKept + unneeded);
  }
}

}  // namespace

TEST_CASE("golden: the data directory of format 1 opens, is sound and reads as listed") {
  if (std::getenv("PRISMBUS_GOLDEN_WRITE") != nullptr) make_kept_directory();
  const TemporaryDirectory copy;
  const std::string dir = copy.path() + "/data";
  std::filesystem::copy(kKept, dir, std::filesystem::copy_options::recursive);
  std::ifstream file(kKept + "/listing.txt");
  const std::string listing{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(listing.empty());
  CHECK(listing_of(dir) == listing);
  require_sound(dir);
}

}  // namespace prismbus::test

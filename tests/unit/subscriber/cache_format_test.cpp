// The cache's records: what is written is read, every prefix is a state the namespace had (I5), anything else
// is nothing.
#include "subscriber/cache_format.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/subscriber/cache_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

const Wall kSeen = from_micros(1'700'000'000'000'000);

// One section with a picture and `steps` sets, in memory; offsets behind each record that ends a state.
struct Section {
  explicit Section(std::uint64_t seed, std::size_t steps) : random(seed) {
    for (int i = 0; i < 20; ++i) (void)ns.step(random, kSeen);
    cache::Encoder out;
    out.header({ns.epoch, ns.ns});
    std::string body;
    ns.copy.entries.for_each([&](const EntryLeaf& leaf) { cache::append_entry(body, leaf); });
    out.record(cache::Kind::entries, body);
    body.clear();
    cache::append_state(body, {ns.copy.seq, ns.copy.rev, ns.copy.time, ns.copy.hash, kSeen},
                        ns.copy.entries.size());
    out.record(cache::Kind::state, body);
    ends[out.bytes.size()] = ns.copy.seq.value();
    for (std::size_t i = 0; i < steps; ++i) {
      const CacheStep step = ns.step(random, kSeen);
      out.record(cache::Kind::changes, step.body);
      ends[out.bytes.size()] = step.seq.value();
    }
    bytes = out.bytes;
  }
  std::mt19937_64 random;
  CachedNamespace ns{"a.b", Epoch(7)};
  std::string bytes;
  std::map<std::size_t, std::uint64_t> ends;
};

}  // namespace

TEST_CASE("a section is read as it was written: epoch, name, seq, entries, hash (I5)") {
  Section s(1, 30);
  auto loaded = cache::load(s.bytes);
  REQUIRE(loaded);
  CHECK(loaded->epoch == Epoch(7));
  CHECK(loaded->ns == "a.b");
  CHECK(loaded->copy.seq == s.ns.copy.seq);
  CHECK(loaded->copy.rev == s.ns.copy.rev);
  CHECK(loaded->copy.hash == s.ns.copy.hash);
  CHECK(loaded->seen == kSeen);
  CHECK(loaded->whole);
  CHECK(loaded->good_bytes == s.bytes.size());
  CHECK(content_of(loaded->copy) == s.ns.at_seq.at(s.ns.copy.seq.value()));
  release(loaded->copy);
}

TEST_CASE("every prefix is the state after its last whole record, or nothing before the first (I5)") {
  Section s(2, 12);
  for (std::size_t size = 0; size < s.bytes.size(); ++size) {
    auto loaded = cache::load(std::string_view(s.bytes).substr(0, size));
    auto end = s.ends.upper_bound(size);
    if (end == s.ends.begin()) {
      REQUIRE_FALSE(loaded);
      continue;
    }
    --end;
    REQUIRE(loaded);
    REQUIRE(loaded->copy.seq.value() == end->second);
    REQUIRE(loaded->whole == (size == end->first));
    REQUIRE(content_of(loaded->copy) == s.ns.at_seq.at(end->second));
    release(loaded->copy);
  }
}

TEST_CASE("a flipped bit anywhere gives an older state or nothing") {
  Section s(3, 6);
  for (std::size_t at = 0; at < s.bytes.size(); ++at) {
    std::string bytes = s.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    auto loaded = cache::load(bytes);
    if (!loaded) continue;
    REQUIRE_FALSE(loaded->whole);
    REQUIRE(loaded->good_bytes <= at);
    REQUIRE(content_of(loaded->copy) == s.ns.at_seq.at(loaded->copy.seq.value()));
    release(loaded->copy);
  }
}

TEST_CASE("records count only in their place: swapped, repeated or of another epoch they end the reading") {
  Section s(4, 6), other(4, 6);
  auto second = std::next(s.ends.begin()), third = std::next(second);
  const std::size_t a = s.ends.begin()->first, b = second->first, c = third->first;
  const std::string swapped =
      s.bytes.substr(0, a) + s.bytes.substr(b, c - b) + s.bytes.substr(a, b - a) + s.bytes.substr(c);
  const std::string repeated = s.bytes.substr(0, b) + s.bytes.substr(a);
  for (const std::string& bytes : {swapped, repeated}) {
    auto loaded = cache::load(bytes);
    REQUIRE(loaded);
    CHECK_FALSE(loaded->whole);
    CHECK(content_of(loaded->copy) == s.ns.at_seq.at(loaded->copy.seq.value()));
    release(loaded->copy);
  }
  // The same records behind the header of another epoch.
  cache::Encoder out;
  out.header({Epoch(8), "a.b"});
  CHECK_FALSE(cache::load(out.bytes + s.bytes.substr(out.bytes.size())));
}

TEST_CASE("a newer format is named, not guessed at") {
  Section s(5, 0);
  s.bytes[11] = 9;
  const auto loaded = cache::load(s.bytes);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == ErrorCode::unsupported);
  CHECK(loaded.error().message.find("format 9") != std::string::npos);
}

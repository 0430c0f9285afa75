// The cache's records, plain and sealed: what is written is read, every prefix is a state the namespace had
// (I5), anything else is nothing.
#include "subscriber/cache/cache_format.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/subscriber/cache_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

const Wall kSeen = from_micros(1'700'000'000'000'000);

// One section with a picture and `steps` sets, in memory; offsets behind each record that ends a state.
struct Section {
  explicit Section(std::uint64_t seed, std::size_t steps, const CacheKey* key = nullptr) : random(seed) {
    for (int i = 0; i < 20; ++i) (void)ns.step(random, kSeen);
    cache::Encoder out(key);
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
  const CacheScratch scratch;
  const auto key = GENERATE(false, true) ? key_of(scratch, 1) : nullptr;
  Section s(1, 30, key.get());
  auto loaded = cache::load(s.bytes, key.get());
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
  const CacheScratch scratch;
  const auto key = GENERATE(false, true) ? key_of(scratch, 1) : nullptr;
  Section s(2, 12, key.get());
  for (std::size_t size = 0; size < s.bytes.size(); ++size) {
    auto loaded = cache::load(std::string_view(s.bytes).substr(0, size), key.get());
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
  const CacheScratch scratch;
  const auto key = GENERATE(false, true) ? key_of(scratch, 1) : nullptr;
  Section s(3, 6, key.get());
  for (std::size_t at = 0; at < s.bytes.size(); ++at) {
    std::string bytes = s.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    auto loaded = cache::load(bytes, key.get());
    if (!loaded) continue;
    REQUIRE_FALSE(loaded->whole);
    REQUIRE(loaded->good_bytes <= at);
    REQUIRE(content_of(loaded->copy) == s.ns.at_seq.at(loaded->copy.seq.value()));
    release(loaded->copy);
  }
}

TEST_CASE("records count only in their place: swapped, repeated or of another epoch they end the reading") {
  const CacheScratch scratch;
  const auto key = GENERATE(false, true) ? key_of(scratch, 1) : nullptr;
  Section s(4, 6, key.get());
  auto second = std::next(s.ends.begin()), third = std::next(second);
  const std::size_t a = s.ends.begin()->first, b = second->first, c = third->first;
  const std::string swapped =
      s.bytes.substr(0, a) + s.bytes.substr(b, c - b) + s.bytes.substr(a, b - a) + s.bytes.substr(c);
  const std::string repeated = s.bytes.substr(0, b) + s.bytes.substr(a);
  for (const std::string& bytes : {swapped, repeated}) {
    auto loaded = cache::load(bytes, key.get());
    REQUIRE(loaded);
    CHECK_FALSE(loaded->whole);
    CHECK(content_of(loaded->copy) == s.ns.at_seq.at(loaded->copy.seq.value()));
    release(loaded->copy);
  }
  // The same records behind the header of another epoch.
  cache::Encoder out(key.get());
  out.header({Epoch(8), "a.b"});
  CHECK_FALSE(cache::load(out.bytes + s.bytes.substr(out.bytes.size()), key.get()));
}

TEST_CASE("the records of one sealed file do not count in another of the same namespace, key and content") {
  const CacheScratch scratch;
  const auto key = key_of(scratch, 1);
  const Section a(6, 4, key.get()), b(6, 4, key.get());
  REQUIRE(a.ends == b.ends);
  REQUIRE(a.bytes != b.bytes);
  for (const auto& [end, seq] : a.ends) {
    auto loaded = cache::load(a.bytes.substr(0, end) + b.bytes.substr(end), key.get());
    REQUIRE(loaded);
    CHECK(loaded->good_bytes == end);
    CHECK(loaded->copy.seq.value() == seq);
    CHECK(loaded->whole == (end == a.bytes.size()));
    release(loaded->copy);
  }
}

TEST_CASE("a sealed section holds nothing that can be read: no name, key or value") {
  const CacheScratch scratch;
  const auto key = key_of(scratch, 1);
  const Section plain(7, 4), sealed(7, 4, key.get());
  for (const char* word : {"a.b", "key/"}) {
    CHECK(plain.bytes.find(word) != std::string::npos);
    CHECK(sealed.bytes.find(word) == std::string::npos);
  }
}

TEST_CASE("another key, no key, or a key where nothing is sealed: no content, and which of them it is") {
  const CacheScratch scratch;
  const auto key = key_of(scratch, 1), other = key_of(scratch, 2);
  const Section plain(8, 2), sealed(8, 2, key.get());
  const auto why = [](const std::string& bytes, const CacheKey* with) {
    const auto loaded = cache::load(bytes, with);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::invalid_argument);
    return loaded.error().message;
  };
  CHECK(why(sealed.bytes, other.get()) ==
        "the key in cache.key_file does not open it: another key's, or damaged");
  CHECK(why(sealed.bytes, nullptr) == "it is encrypted, and there is no cache.key_file");
  CHECK(why(plain.bytes, key.get()) == "it is not encrypted, and cache.key_file wants it to be");
  CHECK(cache::says_sealed(sealed.bytes));
  CHECK_FALSE(cache::says_sealed(plain.bytes));
}

TEST_CASE("a newer format is named, not guessed at") {
  Section s(5, 0);
  s.bytes[11] = 9;
  const auto loaded = cache::load(s.bytes);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == ErrorCode::unsupported);
  CHECK(loaded.error().message.find("format 9") != std::string::npos);
}

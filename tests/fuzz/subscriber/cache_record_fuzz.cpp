// A cache section out of any bytes: once as they are, once as the bodies of records that are put together
// properly (kind, length, body, again and again), so that the decoders behind checksum and tag are reached.
// Both for plain files and with a key. Whatever is accepted is written again and read as the same.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "subscriber/cache/cache_format.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

std::unique_ptr<const CacheKey> make_key() {
  std::string path = "/tmp/prismbus-fuzz-key-XXXXXX";
  const int file = ::mkstemp(path.data());  // 0600
  const std::string digits(2 * CacheKey::kBytes, 'a');
  FUZZ_CHECK(file >= 0 && ::write(file, digits.data(), digits.size()) == static_cast<ssize_t>(digits.size()));
  ::close(file);
  auto key = CacheKey::read(path);
  ::unlink(path.c_str());
  FUZZ_CHECK(key);
  return std::move(*key);
}

void check(std::string_view bytes, const CacheKey* key) {
  auto loaded = cache::load(bytes, key);
  if (!loaded) return;
  FUZZ_CHECK(loaded->good_bytes <= bytes.size());
  FUZZ_CHECK(loaded->picture_bytes <= loaded->good_bytes);
  cache::Encoder out(key);
  out.header({loaded->epoch, loaded->ns});
  std::string body;
  loaded->copy.entries.for_each([&](const EntryLeaf& leaf) { cache::append_entry(body, leaf); });
  out.record(cache::Kind::entries, body);
  body.clear();
  const NamespaceCopy& copy = loaded->copy;
  cache::append_state(body, {copy.seq, copy.rev, copy.time, copy.hash, loaded->seen}, copy.entries.size());
  out.record(cache::Kind::state, body);
  auto again = cache::load(out.bytes, key);
  FUZZ_CHECK(again && again->whole && again->copy.seq == copy.seq && again->copy.hash == copy.hash &&
             again->seen == loaded->seen && again->copy.entries.size() == copy.entries.size());
  Garbage garbage;
  loaded->copy.entries.retire(garbage);
  again->copy.entries.retire(garbage);
  garbage.release_all();
}

std::string proper(std::string_view bytes, const CacheKey* key) {
  cache::Encoder out(key);
  out.header({Epoch(1), "a.b"});
  while (bytes.size() >= 2) {
    const auto kind = static_cast<cache::Kind>(static_cast<std::uint8_t>(bytes[0]) % 6);
    const std::size_t size = std::min<std::size_t>(static_cast<std::uint8_t>(bytes[1]), bytes.size() - 2);
    out.record(kind, bytes.substr(2, size));
    bytes.remove_prefix(2 + size);
  }
  return out.bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  static const std::unique_ptr<const CacheKey> key = make_key();
  for (const CacheKey* with : {static_cast<const CacheKey*>(nullptr), key.get()}) {
    check(bytes, with);
    check(proper(bytes, with), with);
  }
  return 0;
}

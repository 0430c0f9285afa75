#include "proto/base/hash.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "proto/base/bytes.hpp"

namespace prismbus {

// The expected values are those that the reference implementation publishes and other languages' bindings
// give.
TEST_CASE("hashes are XXH3 with seed 0, the same on every machine") {
  CHECK(xxh3_64("") == 0x2d06800538d394c2U);
  CHECK(xxh3_64("a") == 0xe6c632b61e964e1fU);
  CHECK(xxh3_64("abc") == 0x78af5f94892f3950U);
  CHECK(xxh3_128("") == Hash128{0x99aa06d3014798d8U, 0x6001c324468d497fU});
  CHECK(xxh3_128("abc") == Hash128{0x06b05ab6733a6185U, 0x78af5f94892f3950U});
}

TEST_CASE("big-endian integers sort as bytes and come back") {
  std::string last;
  for (const std::uint64_t v : {0ULL, 1ULL, 255ULL, 256ULL, 65'536ULL, 1ULL << 40, ~0ULL}) {
    std::string bytes;
    append_be64(bytes, v);
    CHECK(bytes.size() == 8);
    CHECK(load_be64(bytes.data()) == v);
    CHECK((last.empty() || last < bytes));
    last = bytes;
  }
}

}  // namespace prismbus

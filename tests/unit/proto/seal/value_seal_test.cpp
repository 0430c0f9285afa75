// Secret values as they lie on disk: they open where they were sealed, and nowhere else.
#include "proto/seal/value_seal.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace prismbus;

namespace {

StreamKey master(char of) {
  return *StreamKey::from(std::string(StreamKey::kBytes, of));
}
const ValuePlace kPlace{"risk.accounts", "okx/api", Revision(7)};

std::string sealed(std::string_view value) {
  ValueSealer sealer(master('m'));
  std::string out = "before";
  sealer.seal(kPlace, value, out);
  REQUIRE(out.starts_with("before"));
  return out.substr(6);
}

}  // namespace

TEST_CASE("a sealed value opens at its place, whatever its size, and is never the same twice") {
  const ValueVault vault(master('m'));
  std::string plain;
  for (const std::size_t size : {1u, 2u, 57u, 1u << 20}) {
    const std::string value(size, 'v');
    const std::string on_disk = sealed(value);
    CHECK(is_sealed_value(on_disk));
    CHECK(value_size(on_disk) == size);
    CHECK(on_disk.size() == 1 + kValueSealBytes + size);
    REQUIRE(vault.open(kPlace, on_disk, plain));
    CHECK(plain == value);
    CHECK(sealed(value) != on_disk);
  }
  CHECK(value_size("\xa1v") == 2);
  CHECK_FALSE(is_sealed_value(""));
}

TEST_CASE("I10: it opens with no other master, at no other place, and not when a bit of it changed") {
  const ValueVault vault(master('m'));
  const std::string on_disk = sealed("\xa6secret");
  std::string plain = "left over";
  CHECK_FALSE(ValueVault(master('n')).open(kPlace, on_disk, plain));
  CHECK(plain.empty());
  for (const ValuePlace& other :
       {ValuePlace{"risk.account", "okx/api", Revision(7)},
        ValuePlace{"risk.accounts", "okx/apj", Revision(7)},
        ValuePlace{"risk.accounts", "okx/api", Revision(8)}, ValuePlace{"risk", "accounts", Revision(7)}})
    CHECK_FALSE(vault.open(other, on_disk, plain));
  for (std::size_t bit = 0; bit < on_disk.size() * 8; ++bit) {
    std::string changed = on_disk;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    CHECK_FALSE(vault.open(kPlace, changed, plain));
  }
  for (std::size_t size = 0; size < on_disk.size(); ++size)
    CHECK_FALSE(vault.open(kPlace, std::string_view(on_disk).substr(0, size), plain));
}

TEST_CASE("masters are told apart by an id that is never 0") {
  CHECK(ValueVault(master('m')).id() == ValueSealer(master('m')).id());
  CHECK(ValueVault(master('m')).id() != ValueVault(master('n')).id());
  CHECK((ValueVault(master('m')).id() & 1) == 1);
}

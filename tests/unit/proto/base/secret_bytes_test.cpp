// Memory for keys: it moves, it shrinks wiped, and no core dump shows it.
#include "proto/base/secret_bytes.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <fstream>
#include <sstream>

using namespace prismbus;

namespace {

// The VmFlags of the mapping that holds this address, from /proc/self/smaps.
std::string flags_of(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> from >> dash >> to && dash == '-') here = at >= from && at < to;
    if (here && line.starts_with("VmFlags:")) return line;
  }
  return "";
}

}  // namespace

TEST_CASE("secret bytes move without a copy, and shrink without a rest") {
  SecretBytes bytes(std::string_view("0123456789"));
  const char* at = bytes.data();
  SecretBytes moved = std::move(bytes);
  CHECK(moved.data() == at);
  CHECK(moved.view() == "0123456789");
  moved.shorten(4);
  CHECK(moved.view() == "0123");
  CHECK(std::string_view(at + 4, 6) == std::string_view("\0\0\0\0\0\0", 6));
  moved.shorten(9);
  CHECK(moved.size() == 4);
  CHECK(SecretBytes().view().empty());
  CHECK(SecretBytes(100'000).size() == 100'000);
  CHECK(SecretBytes(3).view() == std::string_view("\0\0\0", 3));
}

TEST_CASE("A6: secret bytes are left out of core dumps") {
  const SecretBytes bytes(std::string_view("canary"));
  CHECK(flags_of(bytes.view().data()).find(" dd") != std::string::npos);
}

TEST_CASE("a wiped string keeps nothing in its memory") {
  std::string text = "a secret that is longer than a short string";
  const std::size_t size = text.size();
  text.resize(5);
  wipe(text);
  CHECK(text.empty());
  CHECK(text.capacity() >= size);
  CHECK(std::string_view(text.data(), size) == std::string(size, '\0'));
}

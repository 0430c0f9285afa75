// Key files: what is a key, and what is refused, with the option and the path in the error.
#include "subscriber/cache/cache_key.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>

#include "subscriber/cache/disk_cache.hpp"
#include "tests/unit/subscriber/cache_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

const std::string kDigits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

std::string put_key(const CacheScratch& scratch, const std::string& text, mode_t mode = 0600) {
  std::string path = scratch.path() + "/cache.key";
  std::filesystem::remove(path);
  spill(path, text);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

Error refusal_of(const std::string& path) {
  const auto key = CacheKey::read(path);
  REQUIRE_FALSE(key);
  CHECK(key.error().field == "cache.key_file");
  CHECK(key.error().message.find("cache.key_file") != std::string::npos);
  CHECK(key.error().message.find(path) != std::string::npos);
  CHECK(key.error().message.find("0011") == std::string::npos);  // not a digit of it
  return key.error();
}

CacheKey::Derived derived(const CacheKey& key, std::string_view context) {
  CacheKey::Derived out{};
  key.derive(context, out);
  return out;
}

}  // namespace

TEST_CASE("64 hexadecimal digits of this user alone are a key, with a line end or without") {
  const CacheScratch scratch;
  const auto key = CacheKey::read(put_key(scratch, kDigits)).value();
  const auto same = CacheKey::read(put_key(scratch, kDigits + "\n", 0400)).value();
  const auto other = key_of(scratch, 7);
  CHECK(derived(*key, "a") == derived(*same, "a"));
  CHECK(derived(*key, "a") != derived(*key, "b"));
  CHECK(derived(*key, "a") != derived(*other, "a"));
}

TEST_CASE("a key file that others can reach, of another user, a link or a directory is refused") {
  const CacheScratch scratch;
  for (const mode_t mode : {0640, 0604, 0620, 0644, 0666}) {
    INFO("mode " << std::oct << mode);
    CHECK(refusal_of(put_key(scratch, kDigits, mode)).code == ErrorCode::invalid_argument);
  }
  const std::string path = put_key(scratch, kDigits);
  std::filesystem::create_symlink(path, scratch.path() + "/link");
  CHECK(refusal_of(scratch.path() + "/link").code == ErrorCode::invalid_argument);
  CHECK(refusal_of(scratch.path()).code == ErrorCode::invalid_argument);
  REQUIRE(::mkfifo((scratch.path() + "/pipe").c_str(), 0600) == 0);
  CHECK(refusal_of(scratch.path() + "/pipe").code == ErrorCode::invalid_argument);
  CHECK(refusal_of(scratch.path() + "/none").code == ErrorCode::not_found);
  if (::geteuid() == 0) {
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    CHECK(refusal_of(path).code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("anything but 64 hexadecimal digits is no key") {
  const CacheScratch scratch;
  const std::string longer = kDigits + "\n\n", raw(32, '\x7f');
  for (const std::string& text : {std::string(), kDigits.substr(1), kDigits + "0", longer, raw,
                                  "g" + kDigits.substr(1), kDigits.substr(0, 63) + "\n", kDigits + " "}) {
    INFO(text.size() << " bytes");
    CHECK(refusal_of(put_key(scratch, text)).code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a cache whose key is refused is not opened, and nothing is created") {
  const CacheScratch scratch;
  CacheOptions options;
  options.directory = scratch.cache();
  options.key_file = put_key(scratch, kDigits, 0644);
  const auto cache = DiskCache::open(options, {}, {});
  REQUIRE_FALSE(cache);
  CHECK(cache.error().field == "cache.key_file");
  CHECK_FALSE(std::filesystem::exists(scratch.cache()));
}

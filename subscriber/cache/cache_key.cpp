#include "subscriber/cache/cache_key.hpp"

#include <fcntl.h>
#include <sodium.h>

#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/checked_file.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr const char* kOption = "cache.key_file";
constexpr std::size_t kDigits = 2 * CacheKey::kBytes;

static_assert(CacheKey::kBytes == crypto_generichash_KEYBYTES, "what BLAKE2b takes");
static_assert(CacheKey::kBytes == crypto_generichash_BYTES, "what BLAKE2b gives");

tl::unexpected<Error> refused(const std::string& path, const std::string& why) {
  return fail_field(kOption, std::string(kOption) + ": " + path + " " + why);
}

tl::unexpected<Error> not_read(const FileFault& fault, const std::string& path) {
  Error error = in_context(kOption, file_error(fault, path));
  error.field = kOption;
  return tl::unexpected<Error>(std::move(error));
}

// The digits, wiped when they go.
struct Digits {
  ~Digits() { sodium_memzero(bytes.data(), bytes.size()); }
  std::array<char, kDigits + 2> bytes{};  // a line end, and one to see that there is more
  std::size_t size = 0;
};

Result<void> read_digits(const std::string& path, Digits& out) {
  // What is longer than a key is no key; how much longer does not matter.
  const FileTrust trust{.refused = kOthersAnything, .root_may_own = false, .size_max = UINT64_MAX};
  const auto file = open_checked_file(AT_FDCWD, path.c_str(), trust);
  if (!file) return not_read(file.error(), path);
  const auto had = read_fully(file->handle, out.bytes.data(), out.bytes.size());
  if (!had) return not_read(had.error(), path);
  out.size = *had;
  if (out.size == kDigits + 1 && out.bytes[kDigits] == '\n') out.size = kDigits;
  if (out.size != kDigits) return refused(path, "is not a key: 64 hexadecimal digits are one");
  return {};
}

}  // namespace

Result<std::unique_ptr<CacheKey>> CacheKey::read(const std::string& path) {
  if (sodium_init() < 0) return fail(ErrorCode::unavailable, "libsodium cannot be used here");
  Digits digits;
  if (auto read = read_digits(path, digits); !read) return tl::unexpected<Error>(read.error());
  auto* bytes = static_cast<unsigned char*>(sodium_malloc(kBytes));
  if (bytes == nullptr) return fail(ErrorCode::unavailable, "no memory that can hold a key");
  std::unique_ptr<CacheKey> key(new CacheKey(bytes));
  std::size_t had = 0;
  const char* end = nullptr;
  if (sodium_hex2bin(bytes, kBytes, digits.bytes.data(), digits.size, nullptr, &had, &end) != 0 ||
      had != kBytes || end != digits.bytes.data() + digits.size) {
    return refused(path, "is not a key: 64 hexadecimal digits are one");
  }
  (void)sodium_mprotect_readonly(bytes);
  return key;
}

CacheKey::~CacheKey() {
  sodium_free(bytes_);  // wipes it
}

void CacheKey::derive(std::string_view context, Derived& out) const {
  const int done =
      crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(context.data()),
                         context.size(), bytes_, kBytes);
  PRISMBUS_ASSERT(done == 0, "the sizes are BLAKE2b's");
}

}  // namespace prismbus

#include "subscriber/cache_key.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proto/base/assert.hpp"
#include "subscriber/trusted_file.hpp"

namespace prismbus {
namespace {

constexpr const char* kOption = "cache.key_file";
constexpr std::size_t kDigits = 2 * CacheKey::kBytes;
constexpr mode_t kOthers = 077;

static_assert(CacheKey::kBytes == crypto_generichash_KEYBYTES && CacheKey::kBytes == crypto_generichash_BYTES,
              "what BLAKE2b takes and gives");

tl::unexpected<Error> refused(const std::string& path, const std::string& why) {
  return fail_field(kOption, std::string(kOption) + ": " + path + " " + why);
}

tl::unexpected<Error> not_read(const std::string& what) {
  Error error = system_failed(what).value();
  error.field = kOption;
  return tl::unexpected<Error>(in_context(kOption, std::move(error)));
}

// The digits, wiped when they go.
struct Digits {
  ~Digits() { sodium_memzero(bytes.data(), bytes.size()); }
  std::array<char, kDigits + 2> bytes{};  // a line end, and one to see that there is more
  std::size_t size = 0;
};

Result<void> read_digits(const std::string& path, Digits& out) {
  const FileHandle file = open_without_links(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK);
  if (!file) return not_read("opening " + path);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return not_read("looking at " + path);
  if (!S_ISREG(about.st_mode)) return refused(path, "is no regular file");
  if (about.st_uid != ::geteuid()) return refused(path, "belongs to another user");
  if ((about.st_mode & kOthers) != 0) return refused(path, "is open to others: chmod 0600 it");
  while (out.size < out.bytes.size()) {
    const ssize_t got = ::read(file.get(), out.bytes.data() + out.size, out.bytes.size() - out.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return not_read("reading " + path);
    if (got == 0) break;
    out.size += static_cast<std::size_t>(got);
  }
  if (out.size == kDigits + 1 && out.bytes[kDigits] == '\n') out.size = kDigits;
  if (out.size != kDigits) return refused(path, "is no key: 64 hexadecimal digits are one");
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
    return refused(path, "is no key: 64 hexadecimal digits are one");
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

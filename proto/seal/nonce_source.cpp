#include "proto/seal/nonce_source.hpp"

#include <sodium.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "proto/seal/crypto_start.hpp"

namespace prismbus {

// One page. All zero, as it is made and as a fork leaves it to the child, it holds no nonce.
struct NonceSource::Page {
  static constexpr std::size_t kBytes = 4096,
                               kNonces = (kBytes - sizeof(std::uint64_t)) / NonceSource::kBytes;
  std::uint64_t left;
  char nonces[kNonces][NonceSource::kBytes];
};

NonceSource::NonceSource() {
  static_assert(sizeof(Page) <= Page::kBytes);
  start_crypto();
  void* page = ::mmap(nullptr, Page::kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (::madvise(page, Page::kBytes, MADV_WIPEONFORK) != 0) {
    ::munmap(page, Page::kBytes);
    return;
  }
  page_ = static_cast<Page*>(page);
}

NonceSource::~NonceSource() {
  if (page_ == nullptr) return;
  sodium_memzero(page_, sizeof(Page));
  ::munmap(page_, Page::kBytes);
}

void NonceSource::fill() {
  unsigned char seed[randombytes_SEEDBYTES];
  randombytes_buf(seed, sizeof seed);
  randombytes_buf_deterministic(page_->nonces, sizeof page_->nonces, seed);
  sodium_memzero(seed, sizeof seed);
  page_->left = Page::kNonces;
}

void NonceSource::take(char* out) {
  if (page_ == nullptr) return randombytes_buf(out, kBytes);
  if (page_->left == 0) fill();
  std::memcpy(out, page_->nonces[--page_->left], kBytes);
}

}  // namespace prismbus

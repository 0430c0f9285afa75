// Random nonces of 24 bytes, many from one system call: asking the kernel for each would cost as much as
// sealing a small body. The kernel gives 32 bytes, ChaCha20 expands them to a page of nonces, each is given
// once. A forked child never gives what its parent may give too: the page is wiped at fork (MADV_WIPEONFORK;
// where the kernel has none, every nonce is asked of it). Owned by one thread.
#pragma once

#include <cstddef>

namespace prismbus {

class NonceSource {
 public:
  static constexpr std::size_t kBytes = 24;

  NonceSource();
  ~NonceSource();
  NonceSource(const NonceSource&) = delete;
  NonceSource& operator=(const NonceSource&) = delete;

  void take(char* out);  // writes kBytes bytes; no error: without randomness libsodium aborts

 private:
  struct Page;
  void fill();
  Page* page_ = nullptr;  // null: the kernel gives each
};

}  // namespace prismbus

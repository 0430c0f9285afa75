#include "proto/base/secret_bytes.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

#include "proto/base/assert.hpp"

namespace prismbus {

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  mapped_ = (size + page - 1) / page * page;
  void* at = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  PRISMBUS_ASSERT(at != MAP_FAILED, "there is memory for a key");
  (void)::madvise(at, mapped_, MADV_DONTDUMP);
  (void)::mlock(at, mapped_);  // more than the limit stays unlocked
  bytes_ = static_cast<char*>(at);
}

SecretBytes::SecretBytes(std::string_view bytes) : SecretBytes(bytes.size()) {
  if (bytes_ != nullptr) std::memcpy(bytes_, bytes.data(), bytes.size());
}

SecretBytes::~SecretBytes() {
  if (bytes_ == nullptr) return;
  ::explicit_bzero(bytes_, mapped_);
  ::munmap(bytes_, mapped_);
}

void SecretBytes::shorten(std::size_t size) {
  if (size >= size_) return;
  ::explicit_bzero(bytes_ + size, size_ - size);
  size_ = size;
}

void wipe(std::string& text) {
  text.resize(text.capacity());  // no allocation: also what stood behind its end
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

void forbid_core_dumps() {
  // One byte is too small for a file, and the value that Linux takes as "none" for a program too; 0 is not.
  const rlimit one{1, 1}, zero{0, 0};
  if (::setrlimit(RLIMIT_CORE, &one) != 0) (void)::setrlimit(RLIMIT_CORE, &zero);
#ifndef __SANITIZE_ADDRESS__
  (void)::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace prismbus

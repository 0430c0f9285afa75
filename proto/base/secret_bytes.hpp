// Memory for key material: whole pages of its own that are left out of core dumps and of swap (as far as
// RLIMIT_MEMLOCK lets it), and wiped before they go back. Movable, not copyable; one owner. Not a vault: the
// process itself reads it like any memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace prismbus {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);  // zeros; aborts when the system has no memory left
  explicit SecretBytes(std::string_view bytes);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        mapped_(std::exchange(other.mapped_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
  }

  [[nodiscard]] char* data() { return bytes_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }
  void shorten(std::size_t size);  // to at most what it has; the rest is wiped

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0, mapped_ = 0;
};

// Wipes what a string holds, and empties it. Only what stands in its present memory: who builds a secret in a
// string reserves first.
void wipe(std::string& text);

// Wipes a string when the scope ends, however it ends.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string& text) : text_(text) {}
  ~WipedAtEnd() { wipe(text_); }
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;

 private:
  std::string& text_;
};

// For a process that works with private keys in libraries whose memory is theirs: it leaves no core, neither
// in a file nor to a program that the system pipes cores to, and no other process of this user may read its
// memory. For good. Under AddressSanitizer, whose search for leaks reads that memory, only the former.
void forbid_core_dumps();

}  // namespace prismbus

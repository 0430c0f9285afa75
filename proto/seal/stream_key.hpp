// A secret of 32 bytes: the master key, a node or a leaf of the key tree. Each copy is wiped when it ends.
// Compared in constant time; there is no way to print one, so none reaches a log by accident. Value type.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace prismbus {

class StreamKey {
 public:
  static constexpr std::size_t kBytes = 32;

  StreamKey() = default;  // all zero: of nothing
  // nullopt: not exactly kBytes bytes. The giver wipes its own.
  [[nodiscard]] static std::optional<StreamKey> from(std::string_view bytes);
  ~StreamKey();
  StreamKey(const StreamKey&) = default;
  StreamKey& operator=(const StreamKey&) = default;

  // For `keys` on the wire and for libsodium; lent as long as the key is there. Never to be logged.
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  [[nodiscard]] const unsigned char* data() const {
    return reinterpret_cast<const unsigned char*>(bytes_.data());
  }
  [[nodiscard]] unsigned char* data() { return reinterpret_cast<unsigned char*>(bytes_.data()); }

  friend bool operator==(const StreamKey& a, const StreamKey& b);

 private:
  std::array<char, kBytes> bytes_{};
};

}  // namespace prismbus

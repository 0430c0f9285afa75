// The rules for values: one walk over the tokens, containers on a bounded stack, nothing unpacked.
// Map keys are kept while their map is open and compared when it closes; ascending ones as they come.
#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

constexpr std::size_t kPairwiseKeys = 8;  // up to here comparing every pair is cheaper than sorting
constexpr std::uint32_t kNanosecondsMax = 999'999'999;

// A map key as it is told apart: numbers by value, strings and bins by bytes, never one kind from another.
struct MapKey {
  Kind kind;
  std::uint64_t head;  // the number, or the first eight bytes big-endian: what most comparisons end at
  std::string_view bytes;

  friend bool operator<(const MapKey& a, const MapKey& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.head != b.head) return a.head < b.head;
    return a.bytes < b.bytes;
  }
  friend bool operator==(const MapKey& a, const MapKey& b) {
    return a.kind == b.kind && a.head == b.head && a.bytes == b.bytes;
  }
};

std::uint64_t first_bytes(std::string_view bytes) {
  char front[8] = {};
  bytes.copy(front, sizeof front);
  return load_be64(front);
}

bool keys_unique(std::vector<MapKey>::iterator first, std::vector<MapKey>::iterator last) {
  if (static_cast<std::size_t>(last - first) > kPairwiseKeys) {
    std::sort(first, last);
    return std::adjacent_find(first, last) == last;
  }
  for (auto a = first; a != last; ++a) {
    for (auto b = first; b != a; ++b) {
      if (*a == *b) return false;
    }
  }
  return true;
}

// Types below zero are MessagePack's own; of those only the timestamp exists.
bool ext_allowed(const Token& token) {
  if (token.ext_type >= 0) return true;
  if (token.ext_type != -1) return false;
  const auto size = token.bytes.size();
  if (size == 4) return true;
  if (size != 8 && size != 12) return false;
  const auto first = static_cast<std::uint32_t>(first_bytes(token.bytes) >> 32);
  return (size == 8 ? first >> 2 : first) <= kNanosecondsMax;
}

class ValueWalk {
 public:
  explicit ValueWalk(std::string_view encoded) : cursor_(encoded) {}

  // Null when the value obeys, else what it breaks; too_deep() tells that it is the depth.
  const char* run() {
    Token token;
    do {
      if (!cursor_.next(token)) {
        return cursor_.trouble() == Trouble::truncated ? "the value ends early"
                                                       : "a byte that begins no MessagePack value";
      }
      if (const char* broken = at_key() ? take_key(token) : check(token)) return broken;
      if (!too_deep_ && !close()) return "a map has the same key twice";
    } while (opened_ > 0 && !too_deep_);
    return too_deep_ || cursor_.at_end() ? nullptr : "bytes follow the end of the value";
  }
  [[nodiscard]] bool too_deep() const { return too_deep_; }

 private:
  struct Open {
    std::uint64_t left;  // items still to come; of a map, keys and values each count
    std::size_t keys_from;
    bool is_map, ascending, fresh;  // fresh: its head was just read, no item of it yet
  };

  bool at_key() const { return opened_ > 0 && open_[opened_ - 1].is_map && open_[opened_ - 1].left % 2 == 0; }

  const char* take_key(const Token& token) {
    MapKey key{token.kind, token.number, {}};
    if (token.kind == Kind::text || token.kind == Kind::bin) {
      if (token.kind == Kind::text && !is_utf8(token.bytes)) return "a string that is not UTF-8";
      key.head = first_bytes(token.bytes);
      key.bytes = token.bytes;
    } else if (token.kind != Kind::uint && token.kind != Kind::negative) {
      return "a map key is a string, an integer or bin";
    }
    Open& map = open_[opened_ - 1];
    if (map.ascending && keys_.size() > map.keys_from) map.ascending = keys_.back() < key;
    keys_.push_back(key);
    return nullptr;
  }

  const char* check(const Token& token) {
    if (token.kind == Kind::text && !is_utf8(token.bytes)) return "a string that is not UTF-8";
    if (token.kind == Kind::ext && !ext_allowed(token)) return "an ext type below 0 that is not a timestamp";
    if (token.kind != Kind::array && token.kind != Kind::map) return nullptr;
    if (opened_ == open_.size()) {
      too_deep_ = true;
    } else if (token.number > 0) {
      const bool is_map = token.kind == Kind::map;
      open_[opened_++] = {is_map ? 2 * token.number : token.number, keys_.size(), is_map, true, true};
    }
    return nullptr;
  }

  // Counts the token just read; ends every container it completes. False when one of them is a map with equal
  // keys.
  bool close() {
    if (opened_ > 0 && open_[opened_ - 1].fresh) {
      open_[opened_ - 1].fresh = false;
      return true;
    }
    while (opened_ > 0) {
      Open& top = open_[opened_ - 1];
      if (--top.left > 0) return true;
      if (top.is_map) {
        const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(top.keys_from);
        if (!top.ascending && !keys_unique(first, keys_.end())) return false;
        keys_.erase(first, keys_.end());
      }
      --opened_;
    }
    return true;
  }

  Cursor cursor_;
  std::array<Open, limits::kValueDepth> open_;
  std::size_t opened_ = 0;
  std::vector<MapKey> keys_;
  bool too_deep_ = false;
};

}  // namespace

Result<void> validate_value(std::string_view encoded, std::string_view field) {
  if (encoded.size() > limits::kValueBytes) {
    return tl::unexpected(
        over_limit(std::string(field), "a value too large", limits::kValueBytes, encoded.size()));
  }
  ValueWalk walk(encoded);
  if (const char* broken = walk.run()) return fail_field(std::string(field), broken);
  if (walk.too_deep()) {
    return tl::unexpected(over_limit(std::string(field), "a value nested too deep", limits::kValueDepth,
                                     limits::kValueDepth + 1));
  }
  return {};
}

}  // namespace prismbus::codec

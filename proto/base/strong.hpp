// Strong integers: a revision is not a seq is not an epoch. Value types, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace prismbus {

template <class Tag>
class Strong {
 public:
  constexpr Strong() = default;
  constexpr explicit Strong(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr Strong next() const { return Strong(value_ + 1); }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  std::uint64_t value_ = 0;
};

using Revision = Strong<struct RevisionTag>;  // one per transaction, whole broker; 0 = before the first
using Seq = Strong<struct SeqTag>;            // one per change set, per namespace; 0 = before the first
using Epoch = Strong<struct EpochTag>;        // random name of a history
using Run = Strong<struct RunTag>;            // random name of a broker process

}  // namespace prismbus

template <class Tag>
struct std::hash<prismbus::Strong<Tag>> {
  std::size_t operator()(prismbus::Strong<Tag> s) const noexcept {
    return std::hash<std::uint64_t>{}(s.value());
  }
};

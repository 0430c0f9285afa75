// A page under construction: items encoded one after another, how full it is, and where it ended.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/cursor_token.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

class PageBuilder {
 public:
  explicit PageBuilder(std::optional<std::uint64_t> limit, std::size_t bytes_max = limits::kPageBytes)
      : limit_(limit.value_or(limits::kPageKeys)), bytes_max_(bytes_max) {}

  // The writer of the next item; call once per item.
  codec::Writer& next_item() {
    ++items_;
    return writer_;
  }
  void visit() { ++visited_; }
  // Asked before each item; the first one always fits, so that every page makes progress.
  [[nodiscard]] bool full() const {
    return items_ >= limit_ || visited_ >= limits::kPageKeys || (items_ > 0 && bytes_.size() >= bytes_max_);
  }
  [[nodiscard]] std::uint32_t items() const { return items_; }

  // name: [items], then `more` and, when there is more, `after`.
  void write_items(codec::Writer& out, std::string_view name) const {
    out.text(name);
    out.array(items_);
    out.raw(bytes_);
  }
  static void write_end(codec::Writer& out, const std::optional<CursorToken>& after) {
    out.field("more", after.has_value());
    if (!after) return;
    out.name("after");
    out.bin(encode_cursor(*after));
  }
  [[nodiscard]] static std::uint32_t end_fields(const std::optional<CursorToken>& after) {
    return after ? 2 : 1;
  }

 private:
  std::string bytes_;
  codec::Writer writer_{bytes_};
  const std::uint64_t limit_;
  const std::size_t bytes_max_;
  std::uint32_t items_ = 0;
  std::size_t visited_ = 0;
};

// The reply of a page that is one list, `name`, and where to go on.
[[nodiscard]] inline std::string reply_with(const codec::ReplyHead& head, const PageBuilder& page,
                                            std::string_view name, const std::optional<CursorToken>& after) {
  std::string reply = codec::begin_reply(head, 1 + PageBuilder::end_fields(after));
  codec::Writer out(reply);
  page.write_items(out, name);
  PageBuilder::write_end(out, after);
  return reply;
}

}  // namespace prismbus

// Walks a text byte by byte and knows the line and column it is at: what the line-oriented readers stand on.
// CR LF counts as one line end. A byte-order mark at the start is skipped. Pure, any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace prismbus::command {

class TextCursor {
 public:
  struct Place {
    std::size_t line = 1, column = 1;  // columns in bytes
  };

  explicit TextCursor(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  [[nodiscard]] Place place() const { return place_; }
  [[nodiscard]] bool at_line_end() const {
    return at_end() || text_[at_] == '\n' || (text_[at_] == '\r' && text_.substr(at_ + 1, 1) == "\n");
  }
  // Not at the end.
  char next() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    } else {
      ++place_.column;
    }
    return c;
  }
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\t')) next();
  }
  // To the beginning of the next line, or to the end.
  void skip_line() {
    while (!at_end() && next() != '\n') {
    }
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  Place place_;
};

}  // namespace prismbus::command

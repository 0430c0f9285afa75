// A pattern over namespaces as a token grants it: `a.b`, `a.b.**` (a.b and everything below), `**`. `**` is
// every ordinary namespace: the broker's own (`_...`) are covered only by patterns that name them. A small
// value; pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace prismbus {

class Pattern {
 public:
  // nullopt: any other form.
  [[nodiscard]] static std::optional<Pattern> parse(std::string_view text);

  [[nodiscard]] bool covers(std::string_view ns) const;
  // `ns` and whatever is or will be below it; "" = every ordinary namespace, as `under: ""` is in requests.
  [[nodiscard]] bool covers_all_below(std::string_view ns) const;
  [[nodiscard]] bool is_everything() const { return name_.empty(); }  // `**`
  [[nodiscard]] bool is_below() const { return below_; }              // `a.b.**` or `**`
  [[nodiscard]] const std::string& name() const { return name_; }     // "" of `**`
  [[nodiscard]] std::string text() const;                             // as it was written

  friend bool operator==(const Pattern&, const Pattern&) = default;

 private:
  Pattern(std::string name, bool below) : name_(std::move(name)), below_(below) {}
  std::string name_;  // "" of `**`
  bool below_ = false;
};

}  // namespace prismbus

// JSON text -> Value, by nlohmann's events: its tree would lose integers above 2^63 and doubled keys.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>

#include "proto/json/dollar_form.hpp"
#include "proto/json/json_value.hpp"

namespace prismbus {
namespace {

using Json = nlohmann::json;

// Builds the tree from nlohmann's events; the parser itself does not recurse, and the depth is checked here.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, std::size_t nodes_max) : text_(text), nodes_max_(nodes_max) {}

  [[nodiscard]] Parsed<Value> result(bool complete) {
    if (!complete) return tl::unexpected<Mistake>(mistake_);
    return std::move(root_);
  }

  bool null() override { return add(Value::nil()); }
  bool boolean(bool b) override { return add(Value::boolean(b)); }
  bool number_integer(std::int64_t n) override { return add(Value::integer(n)); }
  bool number_unsigned(std::uint64_t n) override { return add(Value::number(n)); }
  bool number_float(double d, const std::string& text) override {
    // nlohmann falls back to a float for integers it cannot hold.
    if (text.find_first_of(".eE") == std::string::npos) {
      return refuse(text + " is an integer outside of -2^63 .. 2^64-1");
    }
    return add(Value::real(d));
  }
  bool string(std::string& s) override { return add(Value::text(s)); }
  bool binary(Json::binary_t&) override { return refuse("no JSON"); }

  bool start_array(std::size_t) override { return open(Value::array({})); }
  bool start_object(std::size_t) override { return open(Value::map({})); }
  bool key(std::string& name) override {
    Frame& frame = frames_.back();
    if (!frame.names.insert(name).second) return refuse("the key \"" + name + "\" is there twice");
    frame.key = name;
    return true;
  }
  bool end_array() override {
    Value done = std::move(frames_.back().value);
    frames_.pop_back();
    return add(std::move(done));
  }
  bool end_object() override {
    Value done = std::move(frames_.back().value);
    frames_.pop_back();
    auto& members = *done.as<Value::Map>();
    if (members.size() == 1 && members[0].key.as<std::string>()->starts_with('$')) {
      auto resolved = resolve_dollar_form(std::move(members[0]));
      if (!resolved) return refuse(resolved.error().message);
      return add(std::move(*resolved));
    }
    return add(std::move(done));
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& e) override {
    const auto before = text_.substr(0, std::min(position == 0 ? 0 : position - 1, text_.size()));
    mistake_.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t line_start = before.rfind('\n');
    mistake_.column = before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1;
    mistake_.message = "not JSON: " + reason(e.what());
    return false;
  }

 private:
  struct Frame {
    Value value;
    std::string key;              // of the member being read
    std::set<std::string> names;  // of a map
  };

  // "[json.exception...] parse error at ...: syntax error while parsing value - unexpected end of input; ..."
  // keeps what is between the dash and the semicolon: the rest repeats the place and the text.
  static std::string reason(std::string_view what) {
    const std::size_t dash = what.find(" - ");
    if (dash == std::string_view::npos) return "a number is too large";  // the only other kind nlohmann has
    what.remove_prefix(dash + 3);
    return std::string(what.substr(0, what.find("; ")));
  }

  bool open(Value empty) {
    if (frames_.size() >= kDocumentDepth)
      return refuse(fmt::format("nested deeper than {} levels", kDocumentDepth));
    frames_.push_back({std::move(empty), {}, {}});
    return true;
  }

  bool add(Value v) {
    if (++nodes_ > nodes_max_) return refuse(fmt::format("more than {} values", nodes_max_));
    if (frames_.empty()) {
      root_ = std::move(v);
      return true;
    }
    Frame& frame = frames_.back();
    if (auto* members = frame.value.as<Value::Map>()) {
      members->push_back({Value::text(frame.key), std::move(v)});
    } else {
      frame.value.as<Value::Array>()->push_back(std::move(v));
    }
    return true;
  }

  bool refuse(std::string why) {
    std::string path;
    for (const Frame& frame : frames_) {
      if (frame.value.is<Value::Map>()) {
        path += "." + frame.key;
      } else {
        path += fmt::format("[{}]", frame.value.as<Value::Array>()->size());
      }
    }
    mistake_ = {0, 0, path.empty() ? std::move(why) : fmt::format("at {}: {}", path, why)};
    return false;
  }

  const std::string_view text_;
  const std::size_t nodes_max_;
  Value root_;
  std::vector<Frame> frames_;
  std::size_t nodes_ = 0;
  Mistake mistake_;
};

// nlohmann takes a NUL for the end of the text, and writes what it skipped before a mistake into a message
// that nobody reads, five characters for a line end: megabytes of them take it seconds.
constexpr std::size_t kLineEndsMax = 4096;  // in a row

std::optional<Mistake> strange_in(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return Mistake{0, 0, "not JSON: a NUL byte"};
  std::size_t in_a_row = 0;
  for (const char c : text) {
    in_a_row = c == '\n' || c == '\r' || c == '\t' ? in_a_row + 1 : 0;
    if (in_a_row > kLineEndsMax) return Mistake{0, 0, "white space without an end"};
  }
  return std::nullopt;
}

}  // namespace

Parsed<Value> from_json(std::string_view text, std::size_t nodes_max) {
  if (auto strange = strange_in(text)) return tl::unexpected<Mistake>(std::move(*strange));
  TreeBuilder builder(text, nodes_max);
  const bool complete = Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.result(complete);
}

}  // namespace prismbus

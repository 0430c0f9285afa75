// YAML text -> Value, by yaml-cpp's events: its nodes would lose quotes, places and doubled keys.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "proto/json/base64.hpp"
#include "proto/wire/names.hpp"
#include "publisher/command/documents/unfinished_text.hpp"
#include "publisher/command/documents/yaml_scalar.hpp"
#include "publisher/command/documents/yaml_value.hpp"

namespace prismbus::command {
namespace {

constexpr std::string_view kCoreTags = "tag:yaml.org,2002:";

std::size_t count_nodes(const Value& v) {
  std::size_t n = 1;
  if (const auto* items = v.as<Value::Array>()) {
    for (const Value& item : *items) n += count_nodes(item);
  } else if (const auto* members = v.as<Value::Map>()) {
    for (const auto& m : *members) n += 1 + count_nodes(m.value);
  }
  return n;
}
std::size_t depth_of(const Value& v) {
  std::size_t deepest = 0;
  if (const auto* items = v.as<Value::Array>()) {
    for (const Value& item : *items) deepest = std::max(deepest, 1 + depth_of(item));
  } else if (const auto* members = v.as<Value::Map>()) {
    for (const auto& m : *members) deepest = std::max(deepest, 1 + depth_of(m.value));
  }
  return deepest;
}

Parsed<Value> resolve_tagged(std::string_view tag, const std::string& text) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return Value::text(text);
  if (tag == "tag:yaml.org,2002:binary") {
    std::string packed = text;  // it may be folded over lines
    std::erase_if(packed, [](char c) { return c == ' ' || c == '\n'; });
    auto bytes = from_base64(packed);
    if (!bytes) return mistake("!!binary needs base64");
    Value v;
    v.data = Binary{std::move(*bytes)};
    return v;
  }
  if (tag.starts_with("!ext/")) {
    int type = 0;
    const auto [end, code] = std::from_chars(tag.data() + 5, tag.data() + tag.size(), type);
    auto bytes = from_base64(text);
    if (code != std::errc() || end != tag.data() + tag.size() || type < -128 || type > 127 || !bytes) {
      return mistake("!ext/N needs N from -128 to 127 and base64");
    }
    Value v;
    v.data = Extension{static_cast<std::int8_t>(type), std::move(*bytes)};
    return v;
  }
  auto plain = resolve_plain_scalar(text);
  if (!plain || tag == "?" || tag.empty()) return plain;
  if (tag == "tag:yaml.org,2002:null" && plain->is<Value::Nil>()) return plain;
  if (tag == "tag:yaml.org,2002:bool" && plain->is<bool>()) return plain;
  const bool integer = plain->is<std::uint64_t>() || plain->is<std::int64_t>();
  if (tag == "tag:yaml.org,2002:int" && integer) return plain;
  if (tag == "tag:yaml.org,2002:float" && plain->is<double>()) return plain;
  if (tag == "tag:yaml.org,2002:float" && integer) return resolve_plain_scalar(text + ".0");
  return mistake("the tag " + std::string(tag) + " is not known here, or does not fit what follows");
}

// Builds the tree from yaml-cpp's events. A refusal is thrown as yaml-cpp's own exception, and caught in
// from_yaml.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}
  [[nodiscard]] Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(mark, "a second document; one file is one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!frames_.empty() && frames_.back().block && frames_.back().key) check_colon(frames_.back().key_mark);
    add(mark, anchor, Value::nil());
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tag == "?" && text == "<<" && expects_key()) {
      frames_.back().merging = true;
      return;
    }
    if (tag != "?" && !has_closing_quote(text_, static_cast<std::size_t>(mark.pos))) {
      refuse(mark, "a quoted text without its closing quote");
    }
    auto value = resolve_tagged(tag, text);
    if (!value) refuse(mark, value.error().message);
    add(mark, anchor, std::move(*value));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto at = anchors_.find(anchor);
    if (at == anchors_.end()) refuse(mark, "an alias inside of what it names");
    count(mark, at->second.nodes);
    if (frames_.size() + at->second.depth > kDocumentDepth) refuse_depth(mark);
    add(mark, 0, Value(at->second.value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "seq");
    open(mark, anchor, Value::array({}));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    check_tag(mark, tag, "map");
    open(mark, anchor, Value::map({}));
    frames_.back().block = style == YAML::EmitterStyle::Block;
  }
  void OnMapEnd() override {
    apply_merges(frames_.back());
    close();
  }

 private:
  struct Frame {
    Value value;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    bool block = false;        // a map without braces
    std::optional<Value> key;  // of a map: read, its value not yet
    YAML::Mark key_mark;
    bool merging = false;             // of a map: the value that comes belongs to `<<`
    std::vector<Value::Map> sources;  // of a map: what `<<` names, in order
    std::set<std::string> keys;       // of a map, encoded
  };
  struct Anchor {
    Value value;
    std::size_t nodes = 0, depth = 0;
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, const std::string& why) {
    throw YAML::ParserException(mark, why);
  }
  [[noreturn]] static void refuse_depth(const YAML::Mark& mark) {
    refuse(mark, fmt::format("nested deeper than {} levels", kDocumentDepth));
  }
  static void check_tag(const YAML::Mark& mark, const std::string& tag, std::string_view expected) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == std::string(kCoreTags) + std::string(expected))
      return;
    refuse(mark, "the tag " + tag + " is not known here");
  }

  void check_colon(const YAML::Mark& key) const {
    if (!has_colon(text_, static_cast<std::size_t>(key.pos)))
      refuse(key, "a key without a colon and a value");
  }

  [[nodiscard]] bool expects_key() const {
    return !frames_.empty() && frames_.back().value.is<Value::Map>() && !frames_.back().key &&
           !frames_.back().merging;
  }

  void count(const YAML::Mark& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ > kDocumentNodes) refuse(mark, fmt::format("more than {} values", kDocumentNodes));
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Value empty) {
    if (expects_key()) refuse(mark, "a map key must be a string, an integer or binary");
    if (frames_.size() >= kDocumentDepth) refuse_depth(mark);
    Frame frame;
    frame.value = std::move(empty);
    frame.mark = mark;
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame done = std::move(frames_.back());
    frames_.pop_back();
    add(done.mark, done.anchor, std::move(done.value));
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Value value) {
    count(mark, 1);
    if (anchor != 0) anchors_[anchor] = Anchor{value, count_nodes(value), depth_of(value)};
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (auto* items = frame.value.as<Value::Array>()) {
      items->push_back(std::move(value));
    } else if (frame.merging) {
      add_sources(mark, frame, std::move(value));
      frame.merging = false;
    } else if (frame.key) {
      frame.value.as<Value::Map>()->push_back({std::move(*frame.key), std::move(value)});
      frame.key.reset();
    } else {
      add_key(mark, frame, std::move(value));
    }
  }

  static void add_key(const YAML::Mark& mark, Frame& frame, Value key) {
    const bool allowed =
        key.is<std::string>() || key.is<std::uint64_t>() || key.is<std::int64_t>() || key.is<Binary>();
    if (!allowed)
      refuse(mark, "a map key must be a string, an integer or binary; put it in quotes if it is text");
    if (!frame.keys.insert(to_message_pack(key)).second) {
      const auto* name = key.as<std::string>();
      refuse(mark, "the key " + (name != nullptr ? yaml_quoted(*name) + " " : "") + "is there twice");
    }
    frame.key = std::move(key);
    frame.key_mark = mark;
  }

  static void add_sources(const YAML::Mark& mark, Frame& frame, Value value) {
    if (auto* one = value.as<Value::Map>()) {
      frame.sources.push_back(std::move(*one));
      return;
    }
    auto* many = value.as<Value::Array>();
    if (many == nullptr) refuse(mark, "`<<` needs a map or a list of maps");
    for (Value& item : *many) {
      auto* source = item.as<Value::Map>();
      if (source == nullptr) refuse(mark, "`<<` needs a map or a list of maps");
      frame.sources.push_back(std::move(*source));
    }
  }

  static void apply_merges(Frame& frame) {
    for (Value::Map& source : frame.sources) {
      for (Value::Member& member : source) {
        if (!frame.keys.insert(to_message_pack(member.key)).second) continue;
        frame.value.as<Value::Map>()->push_back(std::move(member));
      }
    }
  }

  const std::string_view text_;
  Value root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// yaml-cpp takes 0x04 for the end of the text and repairs bad UTF-8; YAML allows neither.
Parsed<void> check_characters(std::string_view text) {
  if (!is_utf8(text)) return mistake("not UTF-8");
  std::size_t line = 1, line_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      ++line;
      line_start = i + 1;
    } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
      return mistake(line, i - line_start + 1, "a control character");
    }
  }
  return {};
}

}  // namespace

Parsed<Value> from_yaml(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  if (const auto fine = check_characters(text); !fine) return tl::unexpected<Mistake>(fine.error());
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(text);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const YAML::Exception& e) {
    if (e.mark.is_null()) return mistake("not YAML: " + e.msg);
    return mistake(static_cast<std::size_t>(e.mark.line) + 1, static_cast<std::size_t>(e.mark.column) + 1,
                   e.msg);
  } catch (const std::exception& e) {
    return mistake(std::string("not YAML: ") + e.what());
  }
}

}  // namespace prismbus::command

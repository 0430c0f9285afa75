// Value -> JSON text. Written by hand: the rules of section 8 (floats, $ forms) are about the text itself.
#include <cmath>

#include "proto/json/base64.hpp"
#include "proto/json/json_value.hpp"

namespace prismbus {

std::string float_text(double d) {
  std::string text = fmt::format("{}", d);  // the shortest that reads back the same
  if (text.find('.') != std::string::npos) return text;
  const std::size_t exponent = text.find('e');
  text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
  return text;
}

std::string json_quoted(std::string_view s) {
  std::string out;
  out += '"';
  for (std::size_t i = 0; i < s.size(); ++i) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += s[i];
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", c);
    } else if (c == 0xc2 && i + 1 < s.size() && static_cast<unsigned char>(s[i + 1]) < 0xa0) {  // C1 in UTF-8
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(s[++i]));
    } else {
      out += s[i];
    }
  }
  out += '"';
  return out;
}

namespace {

class Writer {
 public:
  explicit Writer(JsonLayout layout) : indented_(layout == JsonLayout::indented) {}

  void write(const Value& value) { std::visit(*this, value.data); }
  [[nodiscard]] std::string take() { return std::move(out_); }

  void operator()(Value::Nil) { out_ += "null"; }
  void operator()(bool b) { out_ += b ? "true" : "false"; }
  void operator()(std::uint64_t n) { out_ += fmt::format("{}", n); }
  void operator()(std::int64_t n) { out_ += fmt::format("{}", n); }
  void operator()(double d) {
    if (std::isfinite(d)) {
      out_ += float_text(d);
    } else {
      out_ += std::isnan(d) ? R"({"$float":"nan"})" : d > 0 ? R"({"$float":"inf"})" : R"({"$float":"-inf"})";
    }
  }
  void operator()(const std::string& s) { out_ += json_quoted(s); }
  void operator()(const Binary& b) { out_ += R"({"$bin":")" + to_base64(b.bytes) + "\"}"; }
  void operator()(const Extension& e) {
    out_ += fmt::format(R"({{"$ext":[{},"{}"]}})", e.type, to_base64(e.bytes));
  }
  void operator()(const Value::Array& items) {
    sequence('[', ']', items, [this](const Value& item) { write(item); });
  }
  void operator()(const Value::Map& members) {
    for (const auto& m : members) {
      if (!m.key.is<std::string>()) return pairs(members);
    }
    const bool escape = members.size() == 1 && members[0].key.as<std::string>()->starts_with('$');
    sequence('{', '}', members, [this, escape](const Value::Member& m) {
      out_ += json_quoted((escape ? "$" : "") + *m.key.as<std::string>());
      out_ += indented_ ? ": " : ":";
      write(m.value);
    });
  }

 private:
  void pairs(const Value::Map& members) {
    out_ += R"({"$map":)";
    sequence('[', ']', members, [this](const Value::Member& m) {
      out_ += '[';
      write(m.key);
      out_ += indented_ ? ", " : ",";
      write(m.value);
      out_ += ']';
    });
    out_ += '}';
  }

  template <class Items, class Each>
  void sequence(char open, char close, const Items& items, Each each) {
    out_ += open;
    ++depth_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      new_line();
      each(item);
    }
    --depth_;
    if (!first) new_line();
    out_ += close;
  }

  void new_line() {
    if (!indented_) return;
    out_ += '\n';
    out_.append(depth_ * 2, ' ');
  }

  const bool indented_;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string to_json(const Value& value, JsonLayout layout) {
  Writer writer(layout);
  writer.write(value);
  return writer.take();
}

}  // namespace prismbus

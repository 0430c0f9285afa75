// Value -> YAML text in block style. A string goes without quotes only where no reader could take it for
// another type.
#include <cmath>

#include "proto/json/base64.hpp"
#include "proto/json/json_value.hpp"
#include "publisher/command/documents/yaml_scalar.hpp"
#include "publisher/command/documents/yaml_value.hpp"

namespace prismbus::command {
namespace {

// YAML's limit for a key without `? ` is 1024 characters on one line.
constexpr std::size_t kImplicitKeyBytes = 800;

std::string string_text(const std::string& s) {
  return is_safe_without_quotes(s) ? s : yaml_quoted(s);
}

// The text of everything that fits one line; empty for a map or array with something in it.
struct OneLine {
  std::string operator()(Value::Nil) const { return "null"; }
  std::string operator()(bool b) const { return b ? "true" : "false"; }
  std::string operator()(std::uint64_t n) const { return fmt::format("{}", n); }
  std::string operator()(std::int64_t n) const { return fmt::format("{}", n); }
  std::string operator()(double d) const {
    if (std::isfinite(d)) return float_text(d);
    return std::isnan(d) ? ".nan" : d > 0 ? ".inf" : "-.inf";
  }
  std::string operator()(const std::string& s) const { return string_text(s); }
  std::string operator()(const Binary& b) const { return "!!binary \"" + to_base64(b.bytes) + "\""; }
  std::string operator()(const Extension& e) const {
    return fmt::format("!ext/{} \"{}\"", e.type, to_base64(e.bytes));
  }
  std::string operator()(const Value::Array& items) const { return items.empty() ? "[]" : ""; }
  std::string operator()(const Value::Map& members) const { return members.empty() ? "{}" : ""; }
};
std::string one_line(const Value& value) {
  return std::visit(OneLine{}, value.data);
}

class Writer {
 public:
  // `value` from the present column on, which is `indent`; ends with a line feed.
  void write(const Value& value, std::size_t indent) {
    if (const auto* items = value.as<Value::Array>(); items != nullptr && !items->empty()) {
      bool first = true;
      for (const Value& item : *items) {
        start_line(first, indent);
        out_ += "- ";
        write(item, indent + 2);
      }
    } else if (const auto* members = value.as<Value::Map>(); members != nullptr && !members->empty()) {
      bool first = true;
      for (const auto& member : *members) {
        start_line(first, indent);
        write_member(member, indent);
      }
    } else {
      out_ += one_line(value);
      out_ += '\n';
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void start_line(bool& first, std::size_t indent) {
    if (!first) out_.append(indent, ' ');
    first = false;
  }

  void write_member(const Value::Member& member, std::size_t indent) {
    const std::string key = one_line(member.key);
    if (key.size() > kImplicitKeyBytes) {
      out_ += "? " + key + "\n";
      out_.append(indent, ' ');
    } else {
      out_ += key;
    }
    const std::string inline_value = one_line(member.value);
    if (!inline_value.empty()) {
      out_ += ": " + inline_value + "\n";
      return;
    }
    out_ += ":\n";
    out_.append(indent + 2, ' ');
    write(member.value, indent + 2);
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const Value& value) {
  Writer writer;
  writer.write(value, 0);
  return writer.take();
}

}  // namespace prismbus::command

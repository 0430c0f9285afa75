// Value -> TOML text, by hand: toml++'s own printer has no say in quoting and sections.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "proto/json/json_value.hpp"
#include "publisher/command/documents/toml_value.hpp"

namespace prismbus::command {
namespace {

// A basic string. JSON's escapes are TOML's but for the slash, which JSON's writer does not escape.
std::string quoted(std::string_view text) {
  return json_quoted(text);
}

std::string key_text(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? std::string(key) : quoted(key);
}

bool is_table(const Value& v) {  // gets a section; an empty one is written {}
  const auto* members = v.as<Value::Map>();
  return members != nullptr && !members->empty();
}
bool is_array_of_tables(const Value& v) {
  const auto* items = v.as<Value::Array>();
  return items != nullptr && !items->empty() &&
         std::all_of(items->begin(), items->end(), [](const Value& i) { return i.is<Value::Map>(); });
}

class TomlWriter {
 public:
  Parsed<std::string> write(const Value& document) {
    const auto* members = document.as<Value::Map>();
    if (members == nullptr) return mistake("the document is not a map, and TOML has nothing else at the top");
    body(*members, "", "");
    if (wrong_.empty()) return std::move(out_);
    return mistake(std::move(wrong_));
  }

 private:
  // The first thing that cannot be written stays; everything after it is written for nothing.
  std::string refuse(const std::string& path, std::string_view why) {
    if (wrong_.empty())
      wrong_ = fmt::format("the key {} {}; --format yaml or json carries it", json_quoted(path), why);
    return "";
  }

  std::string below(const std::string& path, const Value& key) {
    const auto* text = key.as<std::string>();
    if (text != nullptr) return path.empty() ? *text : path + "/" + *text;
    refuse(path.empty() ? to_json(key) : path, "has a key below it that is not text, and TOML has only text");
    return path;
  }

  void body(const Value::Map& members, const std::string& section, const std::string& path) {
    for (const auto& m : members) {
      const std::string here = below(path, m.key);
      if (!wrong_.empty()) return;
      if (is_table(m.value) || is_array_of_tables(m.value)) continue;
      out_ += fmt::format("{} = {}\n", key_text(*m.key.as<std::string>()), in_line(m.value, here));
    }
    for (const auto& m : members) {
      if (!wrong_.empty()) return;
      const std::string name = (section.empty() ? "" : section + ".") + key_text(*m.key.as<std::string>());
      const std::string here = below(path, m.key);
      if (is_table(m.value)) table(*m.value.as<Value::Map>(), name, here);
      if (!is_array_of_tables(m.value)) continue;
      std::size_t index = 0;
      for (const Value& item : *m.value.as<Value::Array>()) {
        header(fmt::format("[[{}]]", name));
        body(*item.as<Value::Map>(), name, fmt::format("{}[{}]", here, index++));
      }
    }
  }

  void table(const Value::Map& members, const std::string& section, const std::string& path) {
    const bool only_sections = std::all_of(members.begin(), members.end(), [](const auto& m) {
      return is_table(m.value) || is_array_of_tables(m.value);
    });
    if (!only_sections) header("[" + section + "]");
    body(members, section, path);
  }

  void header(const std::string& line) { out_ += (out_.empty() ? "" : "\n") + line + "\n"; }

  std::string in_line(const Value& v, const std::string& path) {
    if (const auto* b = v.as<bool>()) return *b ? "true" : "false";
    if (const auto* n = v.as<std::int64_t>()) return fmt::format("{}", *n);
    if (const auto* n = v.as<std::uint64_t>()) {
      if (*n > static_cast<std::uint64_t>(INT64_MAX)) return refuse(path, "is above 2^63-1, TOML's limit");
      return fmt::format("{}", *n);
    }
    if (const auto* d = v.as<double>()) {
      if (std::isnan(*d)) return "nan";
      if (std::isinf(*d)) return *d > 0 ? "inf" : "-inf";
      return float_text(*d);
    }
    if (const auto* text = v.as<std::string>()) return quoted(*text);
    if (const auto* items = v.as<Value::Array>()) return array(*items, path);
    if (const auto* members = v.as<Value::Map>()) return inline_table(*members, path);
    if (v.is<Value::Nil>()) return refuse(path, "is null, and TOML has no null");
    return refuse(path, "holds bytes, and TOML has only text");
  }

  std::string array(const Value::Array& items, const std::string& path) {
    std::string text = "[";
    for (std::size_t i = 0; i < items.size() && wrong_.empty(); ++i) {
      text += (i == 0 ? "" : ", ") + in_line(items[i], fmt::format("{}[{}]", path, i));
    }
    return text + "]";
  }

  std::string inline_table(const Value::Map& members, const std::string& path) {
    if (members.empty()) return "{}";
    std::string text = "{ ";
    for (const auto& m : members) {
      const std::string here = below(path, m.key);
      if (!wrong_.empty()) return "";
      text += text.size() > 2 ? ", " : "";
      text += fmt::format("{} = {}", key_text(*m.key.as<std::string>()), in_line(m.value, here));
    }
    return text + " }";
  }

  std::string out_, wrong_;
};

}  // namespace

Parsed<std::string> to_toml(const Value& value) {
  return TomlWriter().write(value);
}

}  // namespace prismbus::command

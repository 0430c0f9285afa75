// TOML text -> Value. toml++ reports by throwing; this file is its wall.
#include "proto/toml/toml.hpp"

#include <sstream>

#include "publisher/command/documents/toml_value.hpp"

namespace prismbus::command {
namespace {

template <class T>
Value text_of(const toml::value<T>& moment) {
  std::ostringstream out;
  out << moment.get();
  return Value::text(out.str());
}

Parsed<Value> value_of(const toml::node& node, std::size_t depth) {
  const auto at = node.source().begin;
  if (depth > kDocumentDepth) return mistake(at.line, at.column, "nested too deeply");
  if (const auto* table = node.as_table()) {
    Value::Map members;
    for (const auto& [key, child] : *table) {
      auto value = value_of(child, depth + 1);
      if (!value) return value;
      members.push_back({Value::text(key.str()), std::move(*value)});
    }
    return Value::map(std::move(members));
  }
  if (const auto* array = node.as_array()) {
    Value::Array items;
    for (const toml::node& child : *array) {
      auto value = value_of(child, depth + 1);
      if (!value) return value;
      items.push_back(std::move(*value));
    }
    return Value::array(std::move(items));
  }
  if (const auto* text = node.as_string()) return Value::text(text->get());
  if (const auto* number = node.as_integer()) return Value::integer(number->get());
  if (const auto* real = node.as_floating_point()) return Value::real(real->get());
  if (const auto* boolean = node.as_boolean()) return Value::boolean(boolean->get());
  if (const auto* date = node.as_date()) return text_of(*date);
  if (const auto* time = node.as_time()) return text_of(*time);
  if (const auto* date_time = node.as_date_time()) return text_of(*date_time);
  return mistake(at.line, at.column, "a value of a type nobody knows");
}

bool is_asserted(std::string_view text) {
  try {
    (void)toml::parse(text);
  } catch (const TomlAssertion&) {
    return true;
  } catch (const std::exception&) {
  }
  return false;
}

// An assertion has no place: the first line is it with which the text up to there has the assertion.
std::size_t asserted_line(std::string_view text) {
  std::vector<std::size_t> ends;  // of lines
  for (std::size_t at = 0; at < text.size(); at = ends.back()) {
    const std::size_t end = text.find('\n', at);
    ends.push_back(end == std::string_view::npos ? text.size() : end + 1);
  }
  std::size_t clean = 0, wrong = ends.size();
  while (wrong - clean > 1) {
    const std::size_t middle = (clean + wrong) / 2;
    (is_asserted(text.substr(0, ends[middle - 1])) ? wrong : clean) = middle;
  }
  return wrong;
}

}  // namespace

Parsed<Value> from_toml(std::string_view text) {
  try {
    return value_of(toml::parse(text), 0);
  } catch (const toml::parse_error& e) {
    return mistake(e.source().begin.line, e.source().begin.column, std::string(e.description()));
  } catch (const TomlAssertion& e) {
    return mistake(asserted_line(text), 1, e.what());
  } catch (const std::exception& e) {
    return mistake(e.what());
  }
}

}  // namespace prismbus::command

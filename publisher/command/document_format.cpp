#include "publisher/command/document_format.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proto/json/json_value.hpp"
#include "publisher/command/documents/env_text.hpp"
#include "publisher/command/documents/properties_text.hpp"
#include "publisher/command/documents/toml_value.hpp"
#include "publisher/command/documents/yaml_value.hpp"

namespace prismbus::command {
namespace {

Parsed<Value> parse(std::string_view text, Format format) {
  switch (format) {
    case Format::yaml:
      return from_yaml(text);
    case Format::json:
      return from_json(text);
    case Format::toml:
      return from_toml(text);
    case Format::env:
      return from_env(text);
    case Format::properties:
      return from_properties(text);
  }
  return mistake("no such format");
}

Parsed<std::string> print(const Value& document, Format format) {
  switch (format) {
    case Format::yaml:
      return to_yaml(document);
    case Format::json:
      return to_json(document, JsonLayout::indented) + "\n";
    case Format::toml:
      return to_toml(document);
    case Format::env:
      return to_env(document);
    case Format::properties:
      return to_properties(document);
  }
  return mistake("no such format");
}

tl::unexpected<Failure> in_file(std::string_view name, const Mistake& m) {
  Failure f;
  f.exit = Exit::usage;
  f.error = located(name, m);
  return tl::unexpected<Failure>(std::move(f));
}

}  // namespace

const FormatRow& format_row(Format format) {
  return *std::find_if(kFormatTable.begin(), kFormatTable.end(),
                       [format](const FormatRow& row) { return row.format == format; });
}

std::string format_names() {
  std::string out;
  for (std::size_t i = 0; i < kFormatTable.size(); ++i) {
    out += i == 0 ? "" : i + 1 == kFormatTable.size() ? " or " : ", ";
    out += kFormatTable[i].name;
  }
  return out;
}

std::optional<Format> format_by_ending(std::string_view path) {
  for (const FormatRow& row : kFormatTable) {
    for (const std::string_view ending : row.endings) {
      if (!ending.empty() && path.ends_with(ending)) return row.format;
    }
  }
  const std::string_view name = path.substr(path.find_last_of('/') + 1);  // npos + 1 = 0
  if (name.starts_with(".env.")) return Format::env;
  return std::nullopt;
}

Outcome<Format> format_of(std::string_view path, const std::optional<std::string>& flag) {
  if (flag) {
    for (const FormatRow& row : kFormatTable) {
      if (row.name == *flag) return row.format;
    }
    return misused("--format", format_names() + ", not " + json_quoted(*flag));
  }
  if (const auto format = format_by_ending(path)) return *format;
  return misused("--format", fmt::format("say {}: {} has none of their endings", format_names(),
                                         path == "-" ? "standard input" : path));
}

Outcome<Value> parse_document(std::string_view path, std::string_view text, Format format) {
  auto parsed = parse(text, format);
  if (parsed) return std::move(*parsed);
  return in_file(path == "-" ? "standard input" : path, parsed.error());
}

Outcome<std::string> print_document(const Value& document, Format format) {
  auto printed = print(document, format);
  if (printed) return std::move(*printed);
  return in_file(format_row(format).name, printed.error());
}

}  // namespace prismbus::command

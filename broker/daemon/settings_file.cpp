// Settings from a TOML file: flat keys, as the table names them. toml++ reports by throwing; this file is its
// wall: a file that is read again by a serving broker (SIGHUP) must not end it.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "broker/daemon/settings.hpp"
#include "proto/toml/toml.hpp"

namespace prismbus {
namespace {

const SettingRow* row_with_key(std::string_view key) {
  const auto table = setting_table();
  const auto it =
      std::find_if(table.begin(), table.end(), [&](const SettingRow& row) { return row.key == key; });
  return it == table.end() ? nullptr : &*it;
}

// Flags are spelt with hyphens, keys of the file with underscores.
std::string meant(std::string_view key) {
  std::string spelt(key.starts_with("--") ? key.substr(2) : key);
  std::replace(spelt.begin(), spelt.end(), '-', '_');
  return row_with_key(spelt) == nullptr ? "" : fmt::format("; in the file it is {}", spelt);
}

// The value as it would be written in a flag; nullopt for types that no setting has.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  return std::nullopt;
}

std::optional<std::vector<std::string>> values_of(const toml::node& node) {
  std::vector<std::string> values;
  if (const auto* array = node.as_array()) {
    for (const toml::node& item : *array) {
      auto text = scalar_text(item);
      if (!text) return std::nullopt;
      values.push_back(std::move(*text));
    }
    return values.empty() ? std::nullopt : std::optional(values);
  }
  auto text = scalar_text(node);
  if (!text) return std::nullopt;
  values.push_back(std::move(*text));
  return values;
}

}  // namespace

std::optional<SaidSettings> read_settings_file(const std::string& path, std::vector<std::string>& mistakes) {
  const auto unread = [&mistakes](std::string why) {
    mistakes.push_back(std::move(why));
    return std::nullopt;
  };
  SaidSettings said;
  std::ifstream text(path);
  text.peek();  // a directory opens, and cannot be read
  if (!text.is_open() || text.bad())
    return unread(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  text.clear();  // an empty file is one
  try {
    const toml::table table = toml::parse(text, path);
    for (const auto& [key, node] : table) {
      const auto where = fmt::format("{}:{}: {}", path, node.source().begin.line, key.str());
      const SettingRow* row = row_with_key(key.str());
      if (row == nullptr) {
        mistakes.push_back(where + ": no such setting" + meant(key.str()));
      } else if (auto values = values_of(node)) {
        said.emplace(row->flag, std::move(*values));
      } else {
        mistakes.push_back(fmt::format("{}: expected {}", where, range_of(*row)));
      }
    }
  } catch (const toml::parse_error& error) {
    return unread(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  } catch (const std::exception& error) {
    return unread(fmt::format("{}: {}", path, error.what()));
  }
  return said;
}

}  // namespace prismbus

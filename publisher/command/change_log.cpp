#include "publisher/command/change_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "proto/json/json_value.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::command {
namespace {

// The name of a field that is not known, as JSON; empty when there is none.
std::string unknown_field(const Value& map, std::initializer_list<std::string_view> known) {
  for (const auto& m : *map.as<Value::Map>()) {
    const auto* name = m.key.as<std::string>();
    if (name == nullptr || std::find(known.begin(), known.end(), *name) == known.end()) return to_json(m.key);
  }
  return "";
}

Parsed<LoggedChange> change_of(const Value& item) {
  if (!item.is<Value::Map>()) return mistake("a change is an object");
  if (const auto field = unknown_field(item, {"key", "op", "value"}); !field.empty())
    return mistake("no such field: " + field);
  const Value* key = item.find("key");
  const auto* name = key == nullptr ? nullptr : key->as<std::string>();
  if (name == nullptr) return mistake("a change without a key");
  if (const auto fine = validate_key(*name, "key"); !fine) {
    return mistake(fmt::format("the key {}: {}", json_quoted(*name), fine.error().message));
  }
  const Value* op = item.find("op");
  const auto* verb = op == nullptr ? nullptr : op->as<std::string>();
  const Value* value = item.find("value");
  const bool remove = verb != nullptr && (*verb == "del" || *verb == "delete");
  if (verb == nullptr || (!remove && *verb != "put")) {
    return mistake(fmt::format("the op of {} is put or delete", json_quoted(*name)));
  }
  if (remove && value != nullptr)
    return mistake(fmt::format("the delete of {} has a value", json_quoted(*name)));
  if (!remove && value == nullptr)
    return mistake(fmt::format("the put of {} has no value", json_quoted(*name)));
  return LoggedChange{*name, remove ? std::nullopt : std::optional<Value>(*value)};
}

Parsed<std::optional<std::string>> text_of(const Value& line, std::string_view field) {
  const Value* value = line.find(field);
  if (value == nullptr) return std::optional<std::string>();
  const auto* text = value->as<std::string>();
  if (text == nullptr) return mistake(fmt::format("{} is not text", field));
  if (text->size() > limits::kNoteBytes) return mistake(fmt::format("{} is over 1 KiB", field));
  return std::optional<std::string>(*text);
}

Parsed<LoggedTransaction> transaction_of(const Value& line) {
  if (!line.is<Value::Map>()) return mistake("a line is an object with changes");
  if (const auto field = unknown_field(line, {"time", "note", "changes"}); !field.empty())
    return mistake("no such field: " + field);
  LoggedTransaction out;
  const auto note = text_of(line, "note");
  if (!note) return tl::unexpected<Mistake>(note.error());
  const auto time = text_of(line, "time");
  if (!time) return tl::unexpected<Mistake>(time.error());
  out.note = *note ? *note : *time;
  const Value* changes = line.find("changes");
  const auto* items = changes == nullptr ? nullptr : changes->as<Value::Array>();
  if (items == nullptr || items->empty()) return mistake("a line without changes");
  std::set<std::string> keys;
  for (const Value& item : *items) {
    auto change = change_of(item);
    if (!change) return tl::unexpected<Mistake>(change.error());
    if (!keys.insert(change->key).second)
      return mistake(fmt::format("the key {} is there twice", json_quoted(change->key)));
    out.changes.push_back(std::move(*change));
  }
  return out;
}

}  // namespace

std::vector<LogLineText> log_lines(std::string_view text) {
  std::vector<LogLineText> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back({number, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Outcome<LoggedTransaction> parse_log_line(std::string_view name, const LogLineText& line) {
  const auto value = from_json(line.text);
  auto parsed =
      value ? transaction_of(*value) : Parsed<LoggedTransaction>(tl::unexpected<Mistake>(value.error()));
  if (parsed) {
    parsed->line = line.number;
    return std::move(*parsed);
  }
  Mistake m = parsed.error();
  m.column = std::max<std::size_t>(m.column, 1);
  m.line = line.number;
  Failure f;
  f.exit = Exit::usage;
  f.error = located(name, m);
  return tl::unexpected<Failure>(std::move(f));
}

Transaction to_transaction(std::string_view ns, const LoggedTransaction& logged) {
  Transaction transaction;
  for (const LoggedChange& c : logged.changes) {
    if (c.value) {
      transaction.put(ns, c.key, EncodedValue{to_message_pack(*c.value)});
    } else {
      transaction.remove(ns, c.key);
    }
  }
  if (logged.note) transaction.note(*logged.note);
  return transaction;
}

}  // namespace prismbus::command

#include "publisher/command/documents/flatten.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "proto/json/json_value.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::command {
namespace {

bool has_string_keys(const Value::Map& members) {
  return std::all_of(members.begin(), members.end(),
                     [](const auto& m) { return m.key.template is<std::string>(); });
}

std::string shown(std::string_view path) {
  return path.empty() ? "the top level" : json_quoted(path);
}

Result<void> check_part(const std::string& part, const std::string& above) {
  if (part.empty())
    return fail(ErrorCode::invalid_argument, fmt::format("an empty key below {}", shown(above)));
  if (part.find(kKeySeparator) != std::string::npos) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the key {} below {} holds the separator \"{}\"; import it --flat or --as one value",
                    json_quoted(part), shown(above), kKeySeparator));
  }
  return {};
}

Result<void> add(const std::string& path, const Value& value, KeyValues& out) {
  const auto* members = value.as<Value::Map>();
  if (members == nullptr || members->empty() || !has_string_keys(*members)) {
    if (auto fine = validate_key(path, "key"); !fine) {
      return tl::unexpected<Error>(in_context("the key " + json_quoted(path), fine.error()));
    }
    out.emplace(path, value);
    return {};
  }
  for (const auto& member : *members) {
    const auto& part = *member.key.as<std::string>();
    if (auto fine = check_part(part, path); !fine) return fine;
    if (auto fine = add(path + kKeySeparator + part, member.value, out); !fine) return fine;
  }
  return {};
}

Result<const Value::Map*> top_level(const Value& document) {
  const auto* members = document.as<Value::Map>();
  if (members == nullptr) {
    return fail(ErrorCode::invalid_argument,
                "the document is not a map, so it has no keys; import it --as one value");
  }
  if (!has_string_keys(*members)) {
    return fail(ErrorCode::invalid_argument,
                "a key at the top level is not a string; import it --as one value");
  }
  return members;
}

// The map at `part` below `at`, made when it is not there. Keys come in byte order, so all that share `part/`
// come one after another: only the last member can be it.
Value& child(Value& at, std::string_view part) {
  auto& members = *at.as<Value::Map>();
  if (!members.empty() && *members.back().key.as<std::string>() == part) return members.back().value;
  members.push_back({Value::text(part), Value::map({})});
  return members.back().value;
}

}  // namespace

Result<KeyValues> flatten(const Value& document) {
  const auto members = top_level(document);
  if (!members) return tl::unexpected<Error>(members.error());
  KeyValues out;
  for (const auto& member : **members) {
    const auto& part = *member.key.as<std::string>();
    if (auto fine = check_part(part, ""); !fine) return tl::unexpected<Error>(fine.error());
    if (auto fine = add(part, member.value, out); !fine) return tl::unexpected<Error>(fine.error());
  }
  return out;
}

Result<KeyValues> split_top_level(const Value& document) {
  const auto members = top_level(document);
  if (!members) return tl::unexpected<Error>(members.error());
  KeyValues out;
  for (const auto& member : **members) {
    const auto& key = *member.key.as<std::string>();
    if (auto fine = validate_key(key, "key"); !fine) {
      return tl::unexpected<Error>(in_context("the key " + json_quoted(key), fine.error()));
    }
    out.emplace(key, member.value);
  }
  return out;
}

std::optional<Overlap> find_overlap(const KeyValues& keys) {
  for (const auto& [key, value] : keys) {
    for (std::size_t at = key.find(kKeySeparator); at != std::string::npos;
         at = key.find(kKeySeparator, at + 1)) {
      const std::string above = key.substr(0, at);
      if (keys.contains(above)) return Overlap{above, key};
    }
  }
  return std::nullopt;
}

Result<Value> unflatten(const KeyValues& keys) {
  if (const auto overlap = find_overlap(keys)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the key {} holds a value and {} lies below it; export --flat",
                            json_quoted(overlap->above), json_quoted(overlap->below)));
  }
  Value document = Value::map({});
  for (const auto& [key, value] : keys) {
    Value* at = &document;
    std::string_view rest = key;
    for (;;) {
      const std::size_t border = rest.find(kKeySeparator);
      const std::string_view part = rest.substr(0, border);
      if (part.empty()) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("the key {} has an empty part; export --flat", json_quoted(key)));
      }
      at = &child(*at, part);
      if (border == std::string_view::npos) break;
      rest.remove_prefix(border + 1);
    }
    *at = value;
  }
  return document;
}

}  // namespace prismbus::command

#include "publisher/command/transaction_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "proto/json/json_value.hpp"
#include "publisher/command/value_argument.hpp"

namespace prismbus::command {
namespace {

Outcome<void> check_fields(const Value& map, std::string_view where,
                           std::initializer_list<std::string_view> known) {
  const auto* members = map.as<Value::Map>();
  if (members == nullptr) return misused(std::string(where), "must be an object");
  for (const auto& m : *members) {
    const auto* name = m.key.as<std::string>();
    if (name != nullptr && std::find(known.begin(), known.end(), *name) != known.end()) continue;
    return misused(std::string(where), "no such field: " + to_json(m.key));
  }
  return {};
}

Outcome<std::string> text_field(const Value& map, std::string_view where, std::string_view name) {
  const Value* v = map.find(name);
  const auto* text = v == nullptr ? nullptr : v->as<std::string>();
  if (text == nullptr) return misused(fmt::format("{}.{}", where, name), "a string is needed");
  return *text;
}

Outcome<void> add_step(const Value& step, const std::string& where, Transaction& transaction) {
  if (auto fine = check_fields(step, where, {"op", "ns", "key", "value"}); !fine) return fine;
  const auto op = text_field(step, where, "op");
  const auto ns = text_field(step, where, "ns");
  const auto key = text_field(step, where, "key");
  for (const auto* field : {&op, &ns, &key}) {
    if (!*field) return tl::unexpected<Failure>(field->error());
  }
  const Value* value = step.find("value");
  if (*op == "put" && value != nullptr) {
    transaction.put(*ns, *key, EncodedValue{to_message_pack(*value)});
  } else if (*op == "delete" && value == nullptr) {
    transaction.remove(*ns, *key);
  } else if (*op == "put") {
    return misused(where + ".value", "missing");
  } else if (*op == "delete") {
    return misused(where + ".value", "a delete has none");
  } else {
    return misused(where + ".op", "put or delete, not " + json_quoted(*op));
  }
  return {};
}

Outcome<void> add_requirement(const Value& item, const std::string& where, Transaction& transaction) {
  if (auto fine = check_fields(item, where, {"ns", "key", "rev"}); !fine) return fine;
  const auto ns = text_field(item, where, "ns");
  if (!ns) return tl::unexpected<Failure>(ns.error());
  const auto key = text_field(item, where, "key");
  if (!key) return tl::unexpected<Failure>(key.error());
  const Value* rev = item.find("rev");
  const auto* n = rev == nullptr ? nullptr : rev->as<std::uint64_t>();
  if (n == nullptr) return misused(where + ".rev", "a revision is needed; 0 = must not exist");
  transaction.require(*ns, *key, Revision(*n));
  return {};
}

template <class Add>
Outcome<void> each(const Value* list, const std::string& name, Transaction& transaction, Add add) {
  const auto* items = list->as<Value::Array>();
  if (items == nullptr) return misused(name, "must be an array");
  for (std::size_t i = 0; i < items->size(); ++i) {
    if (auto fine = add((*items)[i], fmt::format("{}[{}]", name, i), transaction); !fine) return fine;
  }
  return {};
}

}  // namespace

Outcome<void> add_words(const std::vector<std::string>& words, Transaction& transaction) {
  for (std::size_t i = 0; i < words.size();) {
    const std::string& op = words[i];
    const std::size_t left = words.size() - i - 1;
    if (op == "--") {
      ++i;
    } else if (op == "put") {
      if (left < 3) return misused("txn", "put needs NS KEY VALUE");
      const auto value = parse_value_argument(words[i + 3], "text is written '\"...\"' here");
      if (!value) return tl::unexpected<Failure>(value.error());
      transaction.put(words[i + 1], words[i + 2], EncodedValue{to_message_pack(*value)});
      i += 4;
    } else if (op == "delete") {
      if (left < 2) return misused("txn", "delete needs NS KEY");
      transaction.remove(words[i + 1], words[i + 2]);
      i += 3;
    } else {
      return misused("txn", fmt::format("expected put or delete, not {} (word {})", json_quoted(op), i + 1));
    }
  }
  return {};
}

Outcome<void> add_requirements(const std::vector<std::string>& words, Transaction& transaction) {
  for (std::size_t i = 0; i + 2 < words.size(); i += 3) {
    const std::string& text = words[i + 2];
    std::uint64_t rev = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), rev);
    if (code != std::errc() || end != text.data() + text.size()) {
      return misused("--require", json_quoted(text) + " is not a revision; NS KEY REV is needed");
    }
    transaction.require(words[i], words[i + 1], Revision(rev));
  }
  return {};
}

Outcome<void> add_document(const Value& document, Transaction& transaction) {
  if (auto fine = check_fields(document, "transaction", {"do", "if", "note"}); !fine) return fine;
  const Value* steps = document.find("do");
  if (steps == nullptr) return misused("do", "missing");
  if (auto fine = each(steps, "do", transaction, add_step); !fine) return fine;
  if (const Value* conditions = document.find("if")) {
    if (auto fine = each(conditions, "if", transaction, add_requirement); !fine) return fine;
  }
  if (const Value* note = document.find("note")) {
    const auto* text = note->as<std::string>();
    if (text == nullptr) return misused("note", "must be a string");
    transaction.note(*text);
  }
  return {};
}

}  // namespace prismbus::command

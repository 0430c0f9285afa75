// Replies as Values, for --json: the fields of section 4 of the contract in the JSON of section 8. `epoch`,
// `run` and `hash` are hex text; `id` is left out (it belongs to one connection). Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/json/value.hpp"
#include "proto/wire/messages.hpp"
#include "publisher/command/failure.hpp"
#include "publisher/command/shown_value.hpp"

namespace prismbus::command {

// A map being written: field("rev", 7).field(...)... in the order of the calls.
class Fields {
 public:
  Fields& field(std::string_view name, Value value);
  Fields& field(std::string_view name, std::uint64_t n) { return field(name, Value::number(n)); }
  Fields& field(std::string_view name, std::string_view text) { return field(name, Value::text(text)); }
  Fields& field(std::string_view name, const std::string& text) { return field(name, Value::text(text)); }
  Fields& field(std::string_view name, const char* text) { return field(name, Value::text(text)); }
  Fields& field(std::string_view name, bool b) { return field(name, Value::boolean(b)); }
  Fields& hex(std::string_view name, std::uint64_t n);
  Fields& value(std::string_view encoded, Shown shown);  // `value`; masked: `masked` too
  [[nodiscard]] Value take() { return Value::map(std::move(members_)); }

 private:
  Value::Map members_;
};

[[nodiscard]] Fields ok_reply(Epoch epoch, Revision rev);  // {ok: true, epoch, rev}
[[nodiscard]] Value failed_reply(const Failure& failure);  // {ok: false, error: {...}}

[[nodiscard]] Value entry_value(const Entry& entry, Shown shown, bool with_value = true);
[[nodiscard]] Value namespace_value(const NamespaceRow& row);
[[nodiscard]] Value head_value(const Head& head);
[[nodiscard]] Value heads_value(const std::vector<std::pair<std::string, Head>>& heads);
[[nodiscard]] Value set_value(const std::string& ns, const ChangeSet& set,
                              Shown shown);  // {ns, ...change set}
[[nodiscard]] Value version_value(const KeyVersion& version, Shown shown);
[[nodiscard]] Value key_difference_value(const KeyDifference& difference, Shown shown);
[[nodiscard]] Value seqs_value(const std::vector<std::pair<std::string, Seq>>& seqs);

// A stored value; bytes that are no MessagePack (a broker refuses them) are shown as Binary.
[[nodiscard]] Value stored_value(std::string_view encoded);

// The integers under epoch, run and hash of a reply's own map, as hex text.
void hex_names(Value& reply);
[[nodiscard]] std::string hex_text(std::uint64_t n);

// 2026-11-23T18:04:05Z
[[nodiscard]] std::string time_text(Wall time);

}  // namespace prismbus::command

#include "publisher/command/shown_value.hpp"

#include "proto/json/json_value.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {

Value shown_value(std::string_view encoded, Shown shown) {
  return shown == Shown::masked ? Value::text(kMask) : stored_value(encoded);
}

std::string shown_text(const Value& value, Shown shown) {
  return shown == Shown::masked ? std::string(kMask) : to_json(value);
}

std::string shown_text(std::string_view encoded, Shown shown) {
  return shown == Shown::masked ? std::string(kMask) : to_json(stored_value(encoded));
}

}  // namespace prismbus::command

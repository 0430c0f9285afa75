#include "proto/json/dollar_form.hpp"

#include <limits>
#include <set>

#include "proto/json/base64.hpp"

namespace prismbus {
namespace {

Parsed<Value> binary_of(const Value& form) {
  const auto* text = form.as<std::string>();
  auto bytes = text == nullptr ? std::nullopt : from_base64(*text);
  if (!bytes) return mistake("\"$bin\" needs a string of base64");
  Value v;
  v.data = Binary{std::move(*bytes)};
  return v;
}

std::optional<std::int8_t> extension_type(const Value& v) {
  if (const auto* n = v.as<std::uint64_t>(); n != nullptr && *n <= 127) return static_cast<std::int8_t>(*n);
  if (const auto* n = v.as<std::int64_t>(); n != nullptr && *n >= -128) return static_cast<std::int8_t>(*n);
  return std::nullopt;
}

Parsed<Value> extension_of(const Value& form) {
  const auto* parts = form.as<Value::Array>();
  const bool pair = parts != nullptr && parts->size() == 2;
  const auto type = pair ? extension_type((*parts)[0]) : std::nullopt;
  const auto* text = pair ? (*parts)[1].as<std::string>() : nullptr;
  auto bytes = text == nullptr ? std::nullopt : from_base64(*text);
  if (!type || !bytes) return mistake("\"$ext\" needs [type from -128 to 127, base64]");
  Value v;
  v.data = Extension{*type, std::move(*bytes)};
  return v;
}

Parsed<Value> float_of(const Value& form) {
  const auto* text = form.as<std::string>();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text != nullptr && *text == "nan") return Value::real(std::numeric_limits<double>::quiet_NaN());
  if (text != nullptr && *text == "inf") return Value::real(kInfinity);
  if (text != nullptr && *text == "-inf") return Value::real(-kInfinity);
  return mistake(R"("$float" needs "nan", "inf" or "-inf"; other floats are written as numbers)");
}

Parsed<Value> map_of(Value form) {
  auto* pairs = form.as<Value::Array>();
  if (pairs == nullptr) return mistake("\"$map\" needs an array of [key, value]");
  Value::Map members;
  std::set<std::string> keys;
  for (Value& item : *pairs) {
    auto* pair = item.as<Value::Array>();
    if (pair == nullptr || pair->size() != 2) return mistake("\"$map\" needs an array of [key, value]");
    if (!keys.insert(to_message_pack((*pair)[0])).second) return mistake("\"$map\" has a key twice");
    members.push_back({std::move((*pair)[0]), std::move((*pair)[1])});
  }
  return Value::map(std::move(members));
}

}  // namespace

Parsed<Value> resolve_dollar_form(Value::Member object) {
  std::string& name = *object.key.as<std::string>();
  if (name.starts_with("$$")) {
    name.erase(0, 1);
    Value::Map literal;
    literal.push_back(std::move(object));
    return Value::map(std::move(literal));
  }
  if (name == "$bin") return binary_of(object.value);
  if (name == "$ext") return extension_of(object.value);
  if (name == "$float") return float_of(object.value);
  if (name == "$map") return map_of(std::move(object.value));
  return mistake(fmt::format(
      "{{\"{0}\": ...}}: a one-key object with a key in $ is written with one more: \"${0}\"", name));
}

}  // namespace prismbus

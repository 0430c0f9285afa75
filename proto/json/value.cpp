#include "proto/json/value.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

namespace prismbus {

Value::Value() = default;
Value::~Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;

Value Value::nil() {
  return {};
}
Value Value::boolean(bool b) {
  Value v;
  v.data = b;
  return v;
}
Value Value::number(std::uint64_t n) {
  Value v;
  v.data = n;
  return v;
}
Value Value::integer(std::int64_t n) {
  Value v;
  if (n < 0) {
    v.data = n;
  } else {
    v.data = static_cast<std::uint64_t>(n);
  }
  return v;
}
Value Value::real(double d) {
  Value v;
  v.data = d;
  return v;
}
Value Value::text(std::string_view s) {
  Value v;
  v.data = std::string(s);
  return v;
}
Value Value::array(Array items) {
  Value v;
  v.data = std::move(items);
  return v;
}
Value Value::map(Map members) {
  Value v;
  v.data = std::move(members);
  return v;
}

const Value* Value::find(std::string_view key) const {
  const auto* members = as<Map>();
  if (members == nullptr) return nullptr;
  for (const Member& m : *members) {
    const auto* name = m.key.as<std::string>();
    if (name != nullptr && *name == key) return &m.value;
  }
  return nullptr;
}
Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

namespace {

bool same_float(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same_map(const Value::Map& a, const Value::Map& b) {
  if (a.size() != b.size()) return false;
  const auto by_place = std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
    return x.key == y.key && x.value == y.value;
  });
  if (by_place) return true;
  std::map<std::string, const Value*> by_key;
  for (const auto& m : a) by_key.emplace(to_message_pack(m.key), &m.value);
  return std::all_of(b.begin(), b.end(), [&](const Value::Member& m) {
    const auto at = by_key.find(to_message_pack(m.key));
    return at != by_key.end() && *at->second == m.value;
  });
}

}  // namespace

bool operator==(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (const auto* d = a.as<double>()) return same_float(*d, *b.as<double>());
  if (const auto* m = a.as<Value::Map>()) return same_map(*m, *b.as<Value::Map>());
  if (const auto* items = a.as<Value::Array>()) return *items == *b.as<Value::Array>();
  // What is left compares as plain data; the three above are never reached here.
  return std::visit(
      [&b](const auto& x) {
        using T = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<T, double> || std::is_same_v<T, Value::Map> ||
                      std::is_same_v<T, Value::Array>) {
          return false;
        } else {
          return x == *b.as<T>();
        }
      },
      a.data);
}

}  // namespace prismbus

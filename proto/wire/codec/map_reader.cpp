#include "proto/wire/codec/map_reader.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "proto/wire/names.hpp"

namespace prismbus::codec {

std::string Place::spell() const {
  std::string path;
  if (parent != nullptr) path = parent->spell().append(".");
  path.append(name);
  if (index) path.append("[").append(std::to_string(*index)).append("]");
  return path;
}

void Fault::refuse(const Place& place, std::string_view message) {
  if (error_) return;
  error_ = fail_field(place.spell(), std::string(message)).value();
}

namespace {

constexpr std::string_view kPayload = "payload";

std::string_view explain(Trouble trouble) {
  switch (trouble) {
    case Trouble::truncated:
      return "the bytes end early";
    case Trouble::too_deep:
      return "values lie too deep within each other";
    case Trouble::malformed:
      return "a byte that begins no MessagePack value";
    case Trouble::none:
      break;
  }
  return "not what was expected";
}

}  // namespace

MapReader::MapReader(std::string_view encoded, const Place* place, Fault& fault)
    : place_(place), fault_(fault) {
  split(encoded);
  if (!fault_.ok()) count_ = 0;
}

void MapReader::refuse_here(std::string_view message) {
  fault_.refuse(place_ ? *place_ : Place{nullptr, kPayload}, message);
}

void MapReader::split(std::string_view encoded) {
  Cursor cursor(encoded);
  std::uint32_t fields = 0;
  if (!cursor.read_map(fields)) {
    return refuse_here(cursor.trouble() == Trouble::none ? "must be a map" : explain(cursor.trouble()));
  }
  if (fields > limits::kMapFields) {
    const std::string where = place_ ? place_->spell() : std::string(kPayload);
    return fault_.set(over_limit(where, "a map with too many fields", limits::kMapFields, fields));
  }
  Field* into = near_.data();
  if (fields > near_.size()) {
    far_.resize(fields);
    into = far_.data();
  }
  fields_ = into;
  for (std::uint32_t i = 0; i < fields; ++i) {
    Field& field = into[i];
    if (!cursor.read_text(field.name)) {
      return refuse_here(cursor.trouble() == Trouble::none ? "a field's name must be a string"
                                                           : explain(cursor.trouble()));
    }
    field.tag = name_tag(field.name);
    bits_ |= name_bit(field.tag);
    field.value = cursor.take(limits::kMessageDepth - 1);
    if (field.value.empty()) return refuse_here(explain(cursor.trouble()));
  }
  count_ = fields;
  if (!cursor.at_end()) return refuse_here("bytes follow the end of the map");
  const auto twice = name_standing_twice();
  if (!twice) return;
  // Only what could be a name is repeated in the answer.
  if (is_key(*twice)) return fault_.refuse(Place{place_, *twice, {}}, "stands there twice");
  refuse_here("a field stands there twice");
}

std::optional<std::string_view> MapReader::name_standing_twice() const {
  if (static_cast<std::uint32_t>(std::popcount(bits_)) == count_) return std::nullopt;  // no two bits alike
  if (count_ <= near_.size()) {
    for (std::uint32_t i = 1; i < count_; ++i) {
      for (std::uint32_t k = 0; k < i; ++k) {
        if (fields_[i].tag == fields_[k].tag && fields_[i].name == fields_[k].name) return fields_[i].name;
      }
    }
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  names.reserve(count_);
  for (std::uint32_t i = 0; i < count_; ++i) names.push_back(fields_[i].name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? std::nullopt : std::optional(*twice);
}

const MapReader::Field* MapReader::find(Name name) const {
  if ((bits_ & name.bit) == 0) return nullptr;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const Field& field = fields_[i];
    if (field.tag == name.tag && (name.text.size() <= kTagBytes || field.name == name.text)) return &field;
  }
  return nullptr;
}

const MapReader::Field* MapReader::need(Name name) {
  const Field* field = find(name);
  if (field == nullptr && fault_.ok()) fault_.refuse(at(name), "is missing");
  return field;
}

std::string_view MapReader::ns(Name name) {
  const Field* field = need(name);
  if (field == nullptr) return {};
  std::string_view out;
  if (!text_of(field->value, out)) {
    fault_.refuse(at(name), "must be a string");
  } else if (!is_namespace(out)) {
    fault_.set(validate_namespace(out, at(name).spell()));
  }
  return fault_.ok() ? out : std::string_view();
}

std::string_view MapReader::key(Name name) {
  const Field* field = need(name);
  if (field == nullptr) return {};
  std::string_view out;
  if (!text_of(field->value, out)) {
    fault_.refuse(at(name), "must be a string");
  } else if (!is_key(out)) {
    fault_.set(validate_key(out, at(name).spell()));
  }
  return fault_.ok() ? out : std::string_view();
}

std::string_view MapReader::text(Name name) {
  if (need(name) == nullptr) return {};
  return maybe_text(name).value_or(std::string_view());
}

std::uint64_t MapReader::uint(Name name) {
  if (need(name) == nullptr) return 0;
  return maybe_uint(name).value_or(0);
}

bool MapReader::boolean(Name name) {
  return need(name) != nullptr && boolean_or(name, false);
}

std::string_view MapReader::any(Name name) {
  const Field* field = need(name);
  return field == nullptr ? std::string_view() : field->value;
}

Items MapReader::array(Name name) {
  Items list;
  const Field* field = need(name);
  if (field == nullptr) return list;
  Cursor cursor(field->value);
  if (cursor.read_array(list.count)) {
    list.items = cursor;
  } else {
    fault_.refuse(at(name), "must be an array");
  }
  return list;
}

Items MapReader::pairs(Name name) {
  Items list;
  const Field* field = need(name);
  if (field == nullptr) return list;
  Cursor cursor(field->value);
  if (cursor.read_map(list.count)) {
    list.items = cursor;
  } else {
    fault_.refuse(at(name), "must be a map");
  }
  return list;
}

std::optional<std::string_view> MapReader::maybe_text(Name name) {
  const Field* field = find(name);
  if (field == nullptr) return std::nullopt;
  std::string_view out;
  if (text_of(field->value, out) && is_utf8(out)) return out;
  fault_.refuse(at(name), "must be a string of UTF-8");
  return std::nullopt;
}

std::optional<std::uint64_t> MapReader::maybe_uint(Name name) {
  const Field* field = find(name);
  if (field == nullptr) return std::nullopt;
  std::uint64_t out = 0;
  if (uint_of(field->value, out)) return out;
  fault_.refuse(at(name), "must be an unsigned integer");
  return std::nullopt;
}

bool MapReader::boolean_or(Name name, bool otherwise) {
  const Field* field = find(name);
  if (field == nullptr) return otherwise;
  bool out = otherwise;
  if (!Cursor(field->value).read_boolean(out)) fault_.refuse(at(name), "must be true or false");
  return out;
}

std::optional<std::string_view> MapReader::maybe_cursor(Name name) {
  const Field* field = find(name);
  if (field == nullptr) return std::nullopt;
  std::string_view out;
  if (!Cursor(field->value).read_bin(out) && !text_of(field->value, out)) {
    fault_.refuse(at(name), "must be a cursor as a page gave it");
  } else if (out.size() > limits::kCursorBytes) {
    fault_.refuse(at(name), "longer than any cursor");
  } else {
    return out;
  }
  return std::nullopt;
}

std::string_view MapReader::maybe_any(Name name) {
  const Field* field = find(name);
  return field == nullptr ? std::string_view() : field->value;
}

bool next_pair(Items& pairs, const Place& place, Fault& fault, std::string_view& name,
               std::string_view& value) {
  if (!pairs.items.read_text(name)) {
    fault.refuse(place, "its names must be strings");
    return false;
  }
  value = pairs.items.take();
  return true;
}

void check_unique(std::vector<std::string_view> names, const Place& place, Fault& fault) {
  if (std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) == names.end()) return;
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end())
    fault.refuse(place, "a name stands there twice");
}

bool text_of(std::string_view encoded, std::string_view& out) {
  return Cursor(encoded).read_text(out);
}

bool uint_of(std::string_view encoded, std::uint64_t& out) {
  return Cursor(encoded).read_uint(out);
}

bool request_id_of(std::string_view encoded, std::string_view& session, std::uint64_t& n) {
  Cursor cursor(encoded);
  std::uint32_t items = 0;
  return cursor.read_array(items) && items == 2 && cursor.read_bin(session) &&
         session.size() == limits::kSessionBytes && cursor.read_uint(n);
}

}  // namespace prismbus::codec

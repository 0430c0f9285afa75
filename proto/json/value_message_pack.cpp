// Value <-> MessagePack, through msgpack-c as proto/wire/value.hpp gives it.
#include "proto/wire/value.hpp"

#include <bit>

#include "proto/base/bytes.hpp"
#include "proto/json/value.hpp"

namespace prismbus {
namespace {

struct Packer : msgpack::packer<msgpack::sbuffer> {
  explicit Packer(msgpack::sbuffer& out) : packer(out), buffer(out) {}
  msgpack::sbuffer& buffer;
};

std::uint32_t size32(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

void pack(Packer& out, const Value& value);

struct Pack {
  Packer& out;
  void operator()(Value::Nil) const { out.pack_nil(); }
  void operator()(bool b) const { b ? out.pack_true() : out.pack_false(); }
  void operator()(std::uint64_t n) const { out.pack_uint64(n); }
  void operator()(std::int64_t n) const { out.pack_int64(n); }
  // Not pack_double: msgpack-c 4 writes 2.0 as the integer 2, which is another type.
  void operator()(double d) const {
    char bytes[9] = {'\xcb'};
    store_be64(bytes + 1, std::bit_cast<std::uint64_t>(d));
    out.buffer.write(bytes, sizeof bytes);
  }
  void operator()(const std::string& s) const {
    out.pack_str(size32(s.size()));
    out.pack_str_body(s.data(), size32(s.size()));
  }
  void operator()(const Binary& b) const {
    out.pack_bin(size32(b.bytes.size()));
    out.pack_bin_body(b.bytes.data(), size32(b.bytes.size()));
  }
  void operator()(const Extension& e) const {
    out.pack_ext(e.bytes.size(), e.type);
    out.pack_ext_body(e.bytes.data(), size32(e.bytes.size()));
  }
  void operator()(const Value::Array& items) const {
    out.pack_array(size32(items.size()));
    for (const Value& item : items) pack(out, item);
  }
  void operator()(const Value::Map& members) const {
    out.pack_map(size32(members.size()));
    for (const auto& [key, value] : members) {
      pack(out, key);
      pack(out, value);
    }
  }
};

void pack(Packer& out, const Value& value) {
  std::visit(Pack{out}, value.data);
}

Value unpack(const msgpack::object& object) {
  Value v;
  switch (object.type) {
    case msgpack::type::NIL:
      break;
    case msgpack::type::BOOLEAN:
      v.data = object.via.boolean;
      break;
    case msgpack::type::POSITIVE_INTEGER:
      v.data = std::uint64_t{object.via.u64};
      break;
    case msgpack::type::NEGATIVE_INTEGER:
      v.data = std::int64_t{object.via.i64};
      break;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      v.data = object.via.f64;
      break;
    case msgpack::type::STR:
      v.data = std::string(object.via.str.ptr, object.via.str.size);
      break;
    case msgpack::type::BIN:
      v.data = Binary{std::string(object.via.bin.ptr, object.via.bin.size)};
      break;
    case msgpack::type::EXT:
      v.data = Extension{object.via.ext.type(), std::string(object.via.ext.data(), object.via.ext.size)};
      break;
    case msgpack::type::ARRAY: {
      Value::Array items;
      items.reserve(object.via.array.size);
      for (std::uint32_t i = 0; i < object.via.array.size; ++i)
        items.push_back(unpack(object.via.array.ptr[i]));
      v.data = std::move(items);
      break;
    }
    case msgpack::type::MAP: {
      Value::Map members;
      members.reserve(object.via.map.size);
      for (std::uint32_t i = 0; i < object.via.map.size; ++i) {
        members.push_back({unpack(object.via.map.ptr[i].key), unpack(object.via.map.ptr[i].val)});
      }
      v.data = std::move(members);
      break;
    }
  }
  return v;
}

}  // namespace

std::string to_message_pack(const Value& value) {
  msgpack::sbuffer buffer;
  Packer out(buffer);
  pack(out, value);
  return {buffer.data(), buffer.size()};
}

Result<Value> from_message_pack(std::string_view encoded) {
  const auto handle = unpack_value(encoded);
  if (!handle) return fail(ErrorCode::invalid_argument, "not exactly one MessagePack value");
  return unpack(handle->get());
}

}  // namespace prismbus

#include "proto/wire/codec/writer.hpp"

#include <msgpack.hpp>

namespace prismbus::codec {
namespace {

// What msgpack-c's packer writes to: the end of a string.
struct StringEnd {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};

template <class Pack>
void with_packer(std::string& out, Pack pack) {
  StringEnd end{out};
  msgpack::packer<StringEnd> packer(end);
  pack(packer);
}

}  // namespace

void Writer::map(std::uint32_t fields) {
  with_packer(out_, [&](auto& p) { p.pack_map(fields); });
}

void Writer::array(std::uint32_t items) {
  with_packer(out_, [&](auto& p) { p.pack_array(items); });
}

void Writer::text(std::string_view utf8) {
  if (utf8.size() < 32) {
    out_.push_back(static_cast<char>(0xa0 | utf8.size()));
    out_.append(utf8);
    return;
  }
  with_packer(out_, [&](auto& p) { p.pack_str(static_cast<std::uint32_t>(utf8.size())); });
  out_.append(utf8);
}

void Writer::bin(std::string_view bytes) {
  with_packer(out_, [&](auto& p) { p.pack_bin(static_cast<std::uint32_t>(bytes.size())); });
  out_.append(bytes);
}

void Writer::uint(std::uint64_t v) {
  if (v < 128) return out_.push_back(static_cast<char>(v));
  with_packer(out_, [&](auto& p) { p.pack_uint64(v); });
}

void Writer::integer(MessageId v) {
  if (!v.negative) return uint(v.bits);
  with_packer(out_, [&](auto& p) { p.pack_int64(static_cast<std::int64_t>(v.bits)); });
}

void Writer::boolean(bool v) {
  out_.push_back(static_cast<char>(v ? 0xc3 : 0xc2));
}

void Writer::nil() {
  out_.push_back(static_cast<char>(0xc0));
}

}  // namespace prismbus::codec

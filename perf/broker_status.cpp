#include "perf/broker_status.hpp"

#include <msgpack.hpp>

#include "perf/zmtp_peer.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/value.hpp"

namespace prismbus::perf {
namespace {

void flatten(const msgpack::object& value, const std::string& name, std::map<std::string, double>& out) {
  switch (value.type) {
    case msgpack::type::POSITIVE_INTEGER:
      out[name] = static_cast<double>(value.via.u64);
      return;
    case msgpack::type::NEGATIVE_INTEGER:
      out[name] = static_cast<double>(value.via.i64);
      return;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      out[name] = value.via.f64;
      return;
    case msgpack::type::MAP:
      for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
        const auto& [key, inner] = value.via.map.ptr[i];
        if (key.type != msgpack::type::STR) continue;
        const std::string field(key.via.str.ptr, key.via.str.size);
        flatten(inner, name.empty() ? field : name + "." + field, out);
      }
      return;
    default:
      return;
  }
}

}  // namespace

Result<std::map<std::string, double>, std::string> broker_status(const std::string& endpoint) {
  auto peer = ZmtpPeer::connect(endpoint, ZmtpPeer::Role::dealer, std::chrono::seconds(5));
  if (!peer) return tl::unexpected(peer.error());
  std::string framed;
  ZmtpPeer::append_request(
      framed, codec::encode_request({.id = {}, .token = {}, .epoch = {}, .body = StatusRequest{}}));
  if (!peer->send(framed)) return tl::unexpected(endpoint + ": the connection was lost");
  std::string reply;
  for (int i = 0; i < 5 && reply.empty(); ++i) {
    if (!peer->receive(ZmtpPeer::Wait::yes, [&](std::string_view payload) { reply = payload; })) break;
  }
  const auto handle = unpack_value(reply);
  if (!handle) return tl::unexpected(endpoint + ": no status came");
  std::map<std::string, double> figures;
  flatten(handle->get(), "", figures);
  return figures;
}

}  // namespace prismbus::perf

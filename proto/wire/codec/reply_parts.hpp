// What the bodies of replies are decoded with; private to the reply decoders.
#pragma once

#include <string_view>

#include "proto/wire/codec/map_reader.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus::codec {

[[nodiscard]] Error read_error(std::string_view encoded, const Place& place, Fault& fault);
[[nodiscard]] Entry read_entry(std::string_view encoded, const Place& place, Fault& fault,
                               bool value_required);

// A failed reply is its error; of any other, `read(MapReader&, T&)` reads the op's own fields.
template <class T, class Read>
[[nodiscard]] Result<T> read_reply(const ReplyHeader& reply, Read read) {
  if (reply.error) return tl::unexpected<Error>(*reply.error);
  Fault fault;
  MapReader in(reply.body, nullptr, fault);
  T out{};
  if (fault.ok()) read(in, out);
  if (!fault.ok()) return fault.take();
  return out;
}

}  // namespace prismbus::codec

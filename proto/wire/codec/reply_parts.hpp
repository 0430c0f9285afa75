// What the bodies of replies are decoded with; private to the reply decoders.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/codec/map_reader.hpp"
#include "proto/wire/messages.hpp"
#include "proto/wire/names.hpp"

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

// `more` and `after`; a page that goes on has to say where.
template <class Reply>
void read_page(MapReader& in, Reply& page) {
  page.more = in.boolean("more");
  if (const auto after = in.maybe_cursor("after")) page.after = std::string(*after);
  if (page.more && !page.after) in.fault().refuse(in.at("after"), "is missing");
}

// Calls `visit(encoded, place)` with each item of an array.
template <class Visit>
void each_item(MapReader& in, Name name, Visit visit) {
  Items list = in.array(name);
  Place place = in.at(name);
  for (std::uint32_t i = 0; i < list.count && in.fault().ok(); ++i) {
    place.index = i;
    visit(list.items.take(), place);
  }
}

// Calls `visit(ns, encoded, place)` with each pair of a map named by namespaces.
template <class Visit>
void each_namespace(MapReader& in, Name name, Visit visit) {
  Fault& fault = in.fault();
  const Place place = in.at(name);
  Items pairs = in.pairs(name);
  std::vector<std::string_view> names;
  std::string_view ns;
  std::string_view encoded;
  for (std::uint32_t i = 0; i < pairs.count && fault.ok(); ++i) {
    if (!next_pair(pairs, place, fault, ns, encoded)) return;
    if (!is_namespace(ns)) return fault.set(validate_namespace(ns, place.spell()));
    names.push_back(ns);
    visit(ns, encoded, Place{&place, ns, {}});
  }
  check_unique(std::move(names), place, fault);
}

}  // namespace prismbus::codec

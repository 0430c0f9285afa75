// The clients' side of replies that come in pages: entries, namespaces, snapshot chunks, changes.
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/reply_parts.hpp"
#include "proto/wire/codec/stream_parts.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

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

void read_heads(MapReader& in, std::vector<std::pair<std::string, Head>>& heads) {
  each_namespace(in, "heads", [&](std::string_view ns, std::string_view encoded, const Place& place) {
    MapReader head(encoded, &place, in.fault());
    heads.emplace_back(ns, read_head(head));
  });
}

}  // namespace

Result<EntriesReply> decode_entries_reply(const ReplyHeader& reply) {
  return read_reply<EntriesReply>(reply, [](MapReader& in, EntriesReply& page) {
    std::size_t absent = 0;
    each_item(in, "entries", [&](std::string_view encoded, const Place& place) {
      if (!Cursor(encoded).read_nil()) {
        page.entries.emplace_back(read_entry(encoded, place, in.fault(), false));
        return;
      }
      // One byte each here, and a whole entry's room in memory: no page has more of them than it may have
      // keys.
      if (++absent > limits::kPageKeys) {
        return in.fault().set(over_limit(place.spell(), "too many entries", limits::kPageKeys, absent));
      }
      page.entries.emplace_back(std::nullopt);
    });
    read_page(in, page);
  });
}

Result<NamespacesReply> decode_namespaces_reply(const ReplyHeader& reply) {
  return read_reply<NamespacesReply>(reply, [](MapReader& in, NamespacesReply& page) {
    each_item(in, "namespaces", [&](std::string_view encoded, const Place& place) {
      MapReader row(encoded, &place, in.fault());
      NamespaceRow read;
      read.ns = std::string(row.ns("ns"));
      read.head = read_head(row);
      read.keys = row.uint("keys");
      read.bytes = row.uint("bytes");
      page.namespaces.push_back(std::move(read));
    });
    read_page(in, page);
  });
}

Result<SnapshotReply> decode_snapshot_reply(const ReplyHeader& reply) {
  return read_reply<SnapshotReply>(reply, [](MapReader& in, SnapshotReply& chunk) {
    each_item(in, "entries", [&](std::string_view encoded, const Place& place) {
      chunk.entries.push_back(read_entry(encoded, place, in.fault(), true));
    });
    read_heads(in, chunk.heads);
    read_page(in, chunk);
  });
}

Result<ChangesReply> decode_changes_reply(const ReplyHeader& reply) {
  return read_reply<ChangesReply>(reply, [](MapReader& in, ChangesReply& page) {
    each_item(in, "sets", [&](std::string_view encoded, const Place& place) {
      MapReader set(encoded, &place, in.fault());
      const auto ns = set.ns("ns");
      page.sets.emplace_back(ns, read_change_set(set));
      if (page.sets.back().second.is_marker()) in.fault().refuse(place, "a change set without changes");
    });
    read_heads(in, page.heads);
    if (in.has("failed")) {
      each_namespace(in, "failed", [&](std::string_view ns, std::string_view encoded, const Place& place) {
        page.failed.emplace_back(ns, read_error(encoded, place, in.fault()));
      });
    }
    read_page(in, page);
  });
}

}  // namespace prismbus::codec

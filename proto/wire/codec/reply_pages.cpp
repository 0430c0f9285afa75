// The clients' side of replies that come in pages: entries, namespaces, snapshot chunks, changes, history,
// differences.
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/reply_parts.hpp"
#include "proto/wire/codec/stream_parts.hpp"

namespace prismbus::codec {
namespace {

ChangeOp read_change_op(MapReader& in) {
  const auto op = in.text("op");
  if (op == "delete") return ChangeOp::del;
  if (op != "put" && in.fault().ok()) in.fault().refuse(in.at("op"), "is put or delete");
  return ChangeOp::put;
}

KeyVersion read_key_version(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  KeyVersion version;
  version.rev = Revision(in.uint("rev"));
  version.op = read_change_op(in);
  if (version.op == ChangeOp::put) {
    version.value = std::string(in.any("value"));
    version.version = in.uint("version");
  }
  version.time = from_micros(in.uint("time"));
  version.by = std::string(in.text("by"));
  if (const auto note = in.maybe_text("note")) version.note = std::string(*note);
  const auto req = in.maybe_any("req");
  if (req.empty()) return version;
  RequestId id;
  std::string_view session;
  if (!request_id_of(req, session, id.n)) {
    fault.refuse(in.at("req"), "must be [bin of 8 bytes, unsigned integer]");
  }
  id.session = std::string(session);
  version.req = std::move(id);
  return version;
}

KeyDifference read_key_difference(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  KeyDifference difference;
  difference.key = std::string(in.key("key"));
  if (in.has("before")) difference.before = read_entry(in.any("before"), in.at("before"), fault, true);
  if (in.has("after")) difference.after = read_entry(in.any("after"), in.at("after"), fault, true);
  if (fault.ok() && !difference.before && !difference.after) fault.refuse(place, "is absent twice");
  return difference;
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
      read.secret = row.boolean_or("secret", false);
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

Result<HistoryReply> decode_history_reply(const ReplyHeader& reply) {
  return read_reply<HistoryReply>(reply, [](MapReader& in, HistoryReply& page) {
    each_item(in, "versions", [&](std::string_view encoded, const Place& place) {
      page.versions.push_back(read_key_version(encoded, place, in.fault()));
    });
    read_page(in, page);
  });
}

Result<DiffReply> decode_diff_reply(const ReplyHeader& reply) {
  return read_reply<DiffReply>(reply, [](MapReader& in, DiffReply& page) {
    each_item(in, "changes", [&](std::string_view encoded, const Place& place) {
      page.changes.push_back(read_key_difference(encoded, place, in.fault()));
    });
    read_page(in, page);
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

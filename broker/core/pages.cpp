// list, mget, namespaces, the first two also of the past. history, diff: pages_past.cpp. snapshot and
// changes: pages_sync.cpp.
#include "broker/core/pages.hpp"

#include "broker/core/page_builder.hpp"
#include "broker/core/past.hpp"
#include "broker/core/read_scope.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

using codec::encode_error_reply;
using codec::ReplyHead;
using codec::Writer;

// Where a list stands: the last key visited, on this page or the one before.
struct Position {
  bool any = false;
  std::string ns, key;
};

// What a list or mget reads: from its cursor and, for one of the past, its revision.
struct Reading {
  std::optional<CursorToken> cursor;
  EntriesAt entries;
  CursorToken next;  // the kind and revision of a cursor to go on with
};

// Sets `head.at` for a read of the past.
Result<Reading> begin_reading(const ReadView& view, ReplyHead& head, const ReadOptions& read,
                              const std::optional<std::string_view>& after, CursorKind now, CursorKind past) {
  const bool of_past = is_of_past(read);
  auto cursor = cursor_of(after, of_past ? past : now, head.epoch, head.rev);
  if (!cursor) return tl::unexpected(cursor.error());
  if (of_past) {
    const auto at = revision_read(view, read, *cursor);
    if (!at) return tl::unexpected(at.error());
    head.at = *at;
  }
  return Reading{std::move(*cursor),
                 EntriesAt(view, head.at),
                 {of_past ? past : now, head.epoch, head.at.value_or(head.rev), 0, {}, {}}};
}

bool wanted(const ListRequest& request, std::string_view key) {
  if (request.prefix && !key.starts_with(*request.prefix)) return false;
  return !request.glob || glob_matches(*request.glob, key);
}

// One range of a list, from behind `last` on; sets `after` when the page is full.
Result<void> list_range(const Reading& reading, const ListRequest& request, const NamespaceRange& range,
                        Position& last, PageBuilder& page, std::optional<CursorToken>& after) {
  // In one namespace the keys of a prefix lie together: the list starts at the first and ends behind the
  // last.
  const bool by_prefix = request.prefix && !request.subtree;
  std::string from_ns = range.first;
  std::string from_key = by_prefix ? std::string(*request.prefix) : std::string();
  if (last.any && last.ns >= range.first) {
    from_ns = last.ns;
    from_key = last.key;
  }
  const auto visit = [&](std::string_view ns, std::string_view key, const EntryView* entry) {
    if (last.any && ns == last.ns && key == last.key) return true;  // the page before ended with it
    if (!range.before_end(ns) || (by_prefix && !key.starts_with(*request.prefix))) return false;
    if (page.full()) {
      after = reading.next;
      after->ns = last.ns;
      after->key = last.key;
      return false;
    }
    page.visit();
    if (entry != nullptr && wanted(request, key)) {
      Writer& out = page.next_item();
      request.values ? codec::encode_entry(out, *entry) : codec::encode_entry_without_value(out, *entry);
    }
    last = {true, std::string(ns), std::string(key)};
    return true;
  };
  return reading.entries.scan(from_ns, from_key, visit);
}

}  // namespace

std::string answer_list(const ReadView& view, const ReplyHead& now, const ListRequest& request,
                        const Access& access) {
  ReplyHead head = now;
  const auto ranges = request.subtree ? readable_at_and_below(view, access, request.ns)
                                      : Result<std::vector<NamespaceRange>>(exactly(request.ns));
  if (!ranges) return encode_error_reply(head, ranges.error());
  const auto reading =
      begin_reading(view, head, request.read, request.page.after, CursorKind::list, CursorKind::list_at);
  if (!reading) return encode_error_reply(head, reading.error());
  PageBuilder page(request.page.limit);
  std::optional<CursorToken> after;
  Position last;
  if (reading->cursor) last = {true, reading->cursor->ns, reading->cursor->key};
  for (const NamespaceRange& range : *ranges) {
    if (last.any && !range.before_end(last.ns)) continue;
    if (auto read = list_range(*reading, request, range, last, page, after); !read) {
      return encode_error_reply(head, read.error());
    }
    if (after) break;
  }
  return reply_with(head, page, "entries", after);
}

std::string answer_mget(const ReadView& view, const ReplyHead& now, const MGetRequest& request) {
  ReplyHead head = now;
  const auto reading =
      begin_reading(view, head, request.read, request.page.after, CursorKind::mget, CursorKind::mget_at);
  if (!reading) return encode_error_reply(head, reading.error());
  PageBuilder page(request.page.limit);
  std::size_t at = reading->cursor ? reading->cursor->n : 0;
  for (; at < request.keys.size() && !page.full(); ++at) {
    const auto entry = reading->entries.find(request.ns, request.keys[at]);
    if (!entry) return encode_error_reply(head, entry.error());
    page.visit();
    if (*entry) {
      codec::encode_entry(page.next_item(), **entry);
    } else {
      page.next_item().nil();
    }
  }
  std::optional<CursorToken> after;
  if (at < request.keys.size()) {
    after = reading->next;
    after->n = at;
  }
  return reply_with(head, page, "entries", after);
}

std::string answer_namespaces(const ReadView& view, const ReplyHead& head, const NamespacesRequest& request,
                              const Access& access) {
  const auto cursor = cursor_of(request.page.after, CursorKind::namespaces, head.epoch, head.rev);
  if (!cursor) return encode_error_reply(head, cursor.error());
  PageBuilder page(request.page.limit);
  std::optional<CursorToken> after;
  std::string last = *cursor ? (*cursor)->ns : std::string();
  const auto ranges = readable_at_and_below(view, access, request.under);
  if (!ranges) return encode_error_reply(head, ranges.error());
  for (const NamespaceRange& range : *ranges) {
    const std::string from = std::max(range.first, last);
    if (!range.before_end(from)) continue;
    const auto read = view.scan_namespaces(from, [&](std::string_view ns, const RecentHead& at) {
      if (!range.before_end(ns)) return false;
      if (ns == last) return true;  // the page before ended with it
      if (page.full()) {
        after = CursorToken{CursorKind::namespaces, head.epoch, head.rev, 0, last, {}};
        return false;
      }
      page.visit();
      codec::encode_namespace_row(page.next_item(), ns, at.head, at.figures.keys, at.figures.bytes,
                                  access.is_secret(ns));
      last = ns;
      return true;
    });
    if (!read) return encode_error_reply(head, read.error());
    if (after) break;
  }
  return reply_with(head, page, "namespaces", after);
}

}  // namespace prismbus

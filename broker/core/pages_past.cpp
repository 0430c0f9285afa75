// The reads that are about time: history, diff, and get at a revision of the past. Now: pages.cpp.
#include "broker/core/page_builder.hpp"
#include "broker/core/pages.hpp"
#include "broker/core/past.hpp"

namespace prismbus {
namespace {

using codec::encode_error_reply;
using codec::ReplyHead;
using codec::Writer;

}  // namespace

std::string answer_get_at(const ReadView& view, const ReplyHead& now, const GetRequest& request) {
  ReplyHead head = now;
  const auto at = revision_read(view, request.read, std::nullopt);
  if (!at) return encode_error_reply(head, at.error());
  head.at = *at;
  const auto entry = view.find_at(*at, request.ns, request.key);
  if (!entry) return encode_error_reply(head, entry.error());
  if (*entry) return codec::encode_entry_reply(head, **entry);
  return encode_error_reply(head, error_of(ErrorCode::not_found, "no such key at that revision"));
}

std::string answer_history(const ReadView& view, const ReplyHead& head, const HistoryRequest& request,
                           std::string_view principal) {
  // Revisions begin at 1, so 0 stands for "from the newest".
  Revision before = request.before.value_or(Revision{});
  if (request.page.after) {
    const auto cursor = decode_cursor(*request.page.after, CursorKind::history, head.epoch, head.rev);
    if (!cursor) return encode_error_reply(head, cursor.error());
    before = Revision(cursor->n);
  }
  // The newest version at or below the floor is kept, those before it may be gone.
  if (before != Revision{} && before <= view.floor())
    return encode_error_reply(head, below_floor(view.floor()));
  PageBuilder page(request.page.limit);
  std::optional<CursorToken> after;
  Revision last = before;
  const auto read = view.versions(request.ns, request.key, before, [&](const KeyVersionView& version) {
    if (page.full()) {
      after = CursorToken{CursorKind::history, head.epoch, head.rev, last.value(), {}, {}};
      return false;
    }
    page.visit();
    KeyVersionView shown = version;
    if (version.by != principal) shown.req = nullptr;
    codec::encode_key_version(page.next_item(), shown);
    last = version.rev;
    return true;
  });
  if (!read) return encode_error_reply(head, read.error());
  return reply_with(head, page, "versions", after);
}

std::string answer_diff(const ReadView& view, const ReplyHead& head, const DiffRequest& request) {
  Revision to = request.to == Revision{} ? view.rev() : request.to;
  std::string last;
  if (request.page.after) {
    const auto cursor = decode_cursor(*request.page.after, CursorKind::diff, head.epoch, head.rev);
    if (!cursor) return encode_error_reply(head, cursor.error());
    // "Now" is the first page's, for all of them.
    if (request.to != Revision{} && request.to != cursor->rev) {
      return encode_error_reply(head, fail_field("after", "the page before was of another revision").value());
    }
    to = cursor->rev;
    last = cursor->key;
  }
  const Revision lower = std::min(request.from, to), higher = std::max(request.from, to);
  if (lower < view.floor()) return encode_error_reply(head, below_floor(view.floor()));
  PageBuilder page(request.page.limit);
  std::optional<CursorToken> after;
  std::size_t compared = 0;
  const auto read =
      scan_two(view, request.ns, last, lower, higher,
               [&](std::string_view key, const EntryView* at_lower, const EntryView* at_higher) {
                 if (key == last) return true;  // the page before ended with it
                 if (page.full() || compared >= kComparedBytes) {
                   after = CursorToken{CursorKind::diff, head.epoch, to, 0, {}, last};
                   return false;
                 }
                 page.visit();
                 compared += compared_bytes(at_lower, at_higher);
                 if (differ(at_lower, at_higher)) {
                   const bool forward = request.from <= to;
                   codec::encode_key_difference(page.next_item(), key, forward ? at_lower : at_higher,
                                                forward ? at_higher : at_lower);
                 }
                 last = key;
                 return true;
               });
  if (!read) return encode_error_reply(head, read.error());
  return reply_with(head, page, "changes", after);
}

}  // namespace prismbus

// snapshot and changes: what a joining or catching-up subscriber reads (PROTOCOL sections 4 and 6; I5, I6).
#include <algorithm>

#include "broker/core/page_builder.hpp"
#include "broker/core/pages.hpp"
#include "broker/core/read_scope.hpp"
#include "broker/core/told_names.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

using codec::encode_error_reply;
using codec::ReplyHead;
using codec::Writer;

// The `heads` map of a page, built as it is read.
struct HeadsBuilder {
  std::string bytes;
  Writer writer{bytes};
  std::uint32_t count = 0;
  void add(std::string_view ns, const Head& head) {
    writer.text(ns);
    codec::encode_head(writer, head);
    ++count;
  }
  void write(Writer& out) const {
    out.name("heads");
    out.map(count);
    out.raw(bytes);
  }
};

// One snapshot chunk. It stands at (ns, key): all up to there was given, the head of ns with its first key.
class SnapshotChunk {
 public:
  SnapshotChunk(const ReadView& view, const ReplyHead& head, std::size_t bytes_max,
                std::optional<CursorToken> from)
      : view_(view), head_(head), page_(std::nullopt, bytes_max), from_(std::move(from)) {}

  Result<void> read(const std::vector<NamespaceRange>& ranges) {
    for (const NamespaceRange& range : ranges) {
      if (from_ && !range.before_end(from_->ns)) continue;
      if (auto done = read_range(range); !done) return done;
      if (after_) break;
    }
    return {};
  }
  void name_absent(std::string_view ns) {
    if (heads_.count == 0 && !from_) heads_.add(ns, Head{});
  }
  // What the reply says besides its head and its end.
  [[nodiscard]] CachedChunk take() const {
    CachedChunk chunk;
    chunk.rev = head_.rev;
    Writer out(chunk.body);
    page_.write_items(out, "entries");
    heads_.write(out);
    if (after_) chunk.ends_at.emplace(after_->ns, after_->key);
    return chunk;
  }

 private:
  Result<void> read_range(const NamespaceRange& range) {
    std::string from = range.first;
    if (from_ && from_->ns >= range.first) {
      if (auto rest = read_entries(from_->ns, from_->key, nullptr); !rest) return rest;
      if (after_) return {};
      from = from_->ns;
    }
    Result<void> inner;
    const auto outer = view_.scan_namespaces(from, [&](std::string_view ns, const RecentHead& at) {
      if (!range.before_end(ns)) return false;
      if (from_ && ns == from_->ns) return true;  // read above
      if (page_.full()) {
        stop();
        return false;
      }
      inner = read_entries(std::string(ns), {}, &at.head);
      return inner && !after_;
    });
    return outer ? inner : outer;
  }

  // The entries of one namespace behind a key; its head goes before its first one, or stands alone when it
  // has none.
  Result<void> read_entries(const std::string& ns, const std::string& behind, const Head* owed) {
    auto read =
        view_.scan(ns, behind, [&](std::string_view at, std::string_view key, const EntryView* entry) {
          if (at != ns) return false;
          if (key == behind) return true;
          // Not before the head was given: a cursor in the namespace says that it was.
          if (owed == nullptr && page_.full()) {
            stop();
            return false;
          }
          page_.visit();
          if (entry == nullptr && owed != nullptr) return true;
          if (owed != nullptr) heads_.add(ns, *owed);
          owed = nullptr;
          if (entry != nullptr) codec::encode_entry(page_.next_item(), *entry);
          last_ns_ = ns;
          last_key_ = key;  // a deleted one's too, or a chunk of nothing else would never end
          return true;
        });
    if (read && owed != nullptr) {
      heads_.add(ns, *owed);
      page_.visit();
      last_ns_ = ns;
      last_key_.clear();
    }
    return read;
  }

  void stop() {
    if (last_ns_.empty() && from_) {
      last_ns_ = from_->ns;
      last_key_ = from_->key;
    }
    after_ = CursorToken{CursorKind::snapshot, head_.epoch, head_.rev, 0, last_ns_, last_key_};
  }

  const ReadView& view_;
  const ReplyHead& head_;
  PageBuilder page_;
  HeadsBuilder heads_;
  std::optional<CursorToken> from_, after_;
  std::string last_ns_, last_key_;
};

// `changes` since a seq of each name.
class SinceSeqs {
 public:
  SinceSeqs(const ReadView& view, const ReplyHead& head, const ChangesRequest& request, const Access& access)
      : view_(view), head_(head), access_(access), since_(request.since), page_(request.page.limit) {
    std::sort(since_.begin(), since_.end());
  }

  Result<void> read(const std::optional<CursorToken>& from) {
    for (const auto& [ns, since] : since_) {
      Seq at = since;
      if (from && ns < from->ns) continue;
      if (from && ns == from->ns) at = Seq(from->n);
      if (page_.full()) {
        after_ = CursorToken{CursorKind::changes, head_.epoch, head_.rev, at.value(), std::string(ns), {}};
        return {};
      }
      if (auto done = read_name(ns, at); !done) {
        const ErrorCode code = done.error().code;
        if (code != ErrorCode::compacted && code != ErrorCode::other_history &&
            code != ErrorCode::permission_denied)
          return done;
        if (code == ErrorCode::permission_denied) tell_name(refused_, ns);
        if (code == ErrorCode::compacted) ++compacted_;
        fail_name(ns, done.error());
      }
      if (after_) return {};
    }
    if (failed_count_ == since_.size() && !from) return tl::unexpected(first_failure_);
    return {};
  }

  [[nodiscard]] std::vector<std::string> take_refused() { return std::move(refused_); }
  [[nodiscard]] std::uint64_t compacted() const { return compacted_; }
  [[nodiscard]] std::string reply() const {
    std::string reply =
        codec::begin_reply(head_, 2 + (failed_count_ > 0 ? 1 : 0) + PageBuilder::end_fields(after_));
    Writer out(reply);
    page_.write_items(out, "sets");
    heads_.write(out);
    if (failed_count_ > 0) {
      out.name("failed");
      out.map(failed_count_);
      out.raw(failed_);
    }
    PageBuilder::write_end(out, after_);
    return reply;
  }

 private:
  Result<void> read_name(std::string_view ns, Seq at) {
    if (auto allowed = access_.authorise(Right::read, ns); !allowed) return allowed;
    const auto found = view_.find_head(ns);
    if (!found) return tl::unexpected(found.error());
    const Head head = *found ? (*found)->head : Head{};
    if (at > head.seq) return fail(ErrorCode::other_history, "`since` is above the namespace's head");
    page_.visit();
    while (at < head.seq) {
      if (page_.full()) {
        after_ = CursorToken{CursorKind::changes, head_.epoch, head_.rev, at.value(), std::string(ns), {}};
        return {};
      }
      at = at.next();
      const auto set = view_.change_set(ns, at);
      if (!set) return tl::unexpected(set.error());
      page_.visit();
      codec::encode_set_with_ns(page_.next_item(), ns, *set);
    }
    heads_.add(ns, head);
    return {};
  }

  void fail_name(std::string_view ns, Error error) {
    error.ns = ns;
    Writer out(failed_);
    out.text(ns);
    codec::encode_error(out, error);
    if (failed_count_++ == 0) first_failure_ = std::move(error);
  }

  const ReadView& view_;
  const ReplyHead& head_;
  const Access& access_;
  std::vector<std::pair<std::string_view, Seq>> since_;
  PageBuilder page_;
  HeadsBuilder heads_;
  std::string failed_;
  std::uint32_t failed_count_ = 0;
  Error first_failure_;
  std::vector<std::string> refused_;
  std::uint64_t compacted_ = 0;
  std::optional<CursorToken> after_;
};

// `changes` of a subtree after a revision: by revision, then namespace. The cursor holds the last revision
// given whole.
std::string changes_under(const ReadView& view, const ReplyHead& head, const ChangesRequest& request,
                          const std::optional<CursorToken>& from, const Access& access) {
  PageBuilder page(request.page.limit);
  HeadsBuilder heads;
  std::vector<std::string> named;
  std::optional<CursorToken> after;
  Revision done = from ? Revision(from->n) : request.since_rev;
  while (done < head.rev) {
    if (page.full()) {
      after = CursorToken{CursorKind::changes_under, head.epoch, head.rev, done.value(), {}, {}};
      break;
    }
    const auto txn = view.transaction(done.next());
    if (!txn) return encode_error_reply(head, txn.error());
    page.visit();
    for (const auto& set : (*txn)->sets) {
      if (!is_under(set->ns, *request.under) || !access.may(Right::read, set->ns)) continue;
      codec::encode_set_with_ns(page.next_item(), set->ns, set->encoded);
      named.push_back(set->ns);
    }
    done = done.next();
  }
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  for (const std::string& ns : named) {
    const auto found = view.find_head(ns);
    if (!found) return encode_error_reply(head, found.error());
    if (*found) heads.add(ns, (*found)->head);
  }
  std::string reply = codec::begin_reply(head, 2 + PageBuilder::end_fields(after));
  Writer out(reply);
  page.write_items(out, "sets");
  heads.write(out);
  PageBuilder::write_end(out, after);
  return reply;
}

std::string chunk_reply(const ReplyHead& head, const CachedChunk& chunk) {
  std::optional<CursorToken> after;
  if (chunk.ends_at) {
    after = CursorToken{CursorKind::snapshot, head.epoch,           head.rev, 0,
                        chunk.ends_at->first, chunk.ends_at->second};
  }
  std::string reply = codec::begin_reply(head, 2 + PageBuilder::end_fields(after));
  Writer out(reply);
  out.raw(chunk.body);
  PageBuilder::write_end(out, after);
  return reply;
}

}  // namespace

std::string answer_snapshot(const ReadView& view, const ReplyHead& head, const SnapshotRequest& request,
                            const Access& access, ChunkCache* cache) {
  auto cursor = cursor_of(request.after, CursorKind::snapshot, head.epoch, head.rev);
  if (!cursor) return encode_error_reply(head, cursor.error());
  const std::size_t bytes_max =
      std::min<std::uint64_t>(request.max_bytes.value_or(limits::kPageBytes), limits::kTxnBytes);
  // A chunk is kept for whoever may read all it covers: others get one of their own.
  if (request.under && !access.may_all_below(Right::read, *request.under)) cache = nullptr;
  const auto covered = request.ns ? Result<std::vector<NamespaceRange>>(exactly(*request.ns))
                                  : readable_at_and_below(view, access, *request.under);
  if (!covered) return encode_error_reply(head, covered.error());
  const std::vector<NamespaceRange>& ranges = *covered;
  ChunkPlace place{request.under.has_value(),
                   std::string(request.ns ? *request.ns : *request.under),
                   {},
                   {},
                   !cursor->has_value(),
                   bytes_max};
  if (*cursor) {
    place.from_ns = (*cursor)->ns;
    place.from_key = (*cursor)->key;
  }
  if (cache != nullptr) {
    if (const CachedChunk* again = cache->find(place, ranges, view)) return chunk_reply(head, *again);
  }
  SnapshotChunk reading(view, head, bytes_max, std::move(*cursor));
  if (auto read = reading.read(ranges); !read) return encode_error_reply(head, read.error());
  if (request.ns) reading.name_absent(*request.ns);
  CachedChunk chunk = reading.take();
  std::string reply = chunk_reply(head, chunk);
  if (cache != nullptr) cache->put(place, std::move(chunk));
  return reply;
}

std::string answer_changes(const ReadView& view, const ReplyHead& head, const ChangesRequest& request,
                           const Access& access, std::vector<std::string>& refused,
                           std::uint64_t& compacted) {
  const CursorKind kind = request.under ? CursorKind::changes_under : CursorKind::changes;
  const auto cursor = cursor_of(request.page.after, kind, head.epoch, head.rev);
  if (!cursor) return encode_error_reply(head, cursor.error());
  if (request.under) {
    std::string reply = changes_under(view, head, request, *cursor, access);
    if (codec::find_refusal(reply) == ErrorCode::compacted) ++compacted;
    return reply;
  }
  SinceSeqs since(view, head, request, access);
  const auto read = since.read(*cursor);
  refused = since.take_refused();
  compacted += since.compacted();
  return read ? since.reply() : encode_error_reply(head, read.error());
}

}  // namespace prismbus

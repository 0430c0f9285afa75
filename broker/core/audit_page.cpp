#include "broker/core/audit_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "broker/core/page_builder.hpp"
#include "proto/wire/codec/audit.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kLinesAtOnce = 512;

std::string_view name_of(WriteOp op) {
  switch (op) {
    case WriteOp::put:
      return "put";
    case WriteOp::del:
      return "delete";
    case WriteOp::txn:
      return "txn";
    case WriteOp::rollback:
      break;
  }
  return "rollback";
}

AuditRecord record_of(const StoredTransaction& txn) {
  AuditRecord record;
  record.what = "write";
  record.time = txn.time;
  record.by = txn.by;
  for (const auto& set : txn.sets) record.ns.push_back(set->ns);
  record.op = name_of(txn.op);
  record.note = txn.note;
  record.rev = txn.rev;
  record.changes = txn.change_count();
  return record;
}

// One after another, each with where to go on behind it.
class JournalWalk {
 public:
  JournalWalk(const ReadView& view, Revision next) : view_(view), next_(next) {}
  [[nodiscard]] Revision next() const { return next_; }
  // Null at the end.
  Result<const AuditRecord*> peek() {
    if (here_) return &*here_;
    next_ = std::max(next_, view_.floor().next());
    if (next_ > view_.rev()) return nullptr;
    const auto txn = view_.transaction(next_);
    if (!txn) return tl::unexpected(txn.error());
    here_ = record_of(**txn);
    return &*here_;
  }
  void pass() {
    here_.reset();
    next_ = next_.next();
  }

 private:
  const ReadView& view_;
  Revision next_;
  std::optional<AuditRecord> here_;
};

class FileWalk {
 public:
  FileWalk(AuditSource* source, std::uint64_t next) : source_(source), next_(next) {}
  [[nodiscard]] std::uint64_t next() const { return next_; }
  Result<const AuditRecord*> peek() {
    if (at_ == lines_.size()) {
      if (source_ == nullptr || ended_) return nullptr;
      auto lines = source_->read(next_, kLinesAtOnce);
      if (!lines) return tl::unexpected(lines.error());
      lines_ = std::move(*lines);
      at_ = 0;
      ended_ = lines_.empty();
      if (ended_) return nullptr;
    }
    return &lines_[at_].record;
  }
  void pass() { next_ = lines_[at_++].chain.n + 1; }

 private:
  AuditSource* const source_;
  std::uint64_t next_;
  std::vector<AuditLine> lines_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

struct Start {
  Revision rev;
  std::uint64_t line = 1;
};

Result<Start> start_of(const ReadView& view, const codec::ReplyHead& head, const AuditRequest& request,
                       AuditSource* source) {
  if (request.page.after) {
    const auto cursor = decode_cursor(*request.page.after, CursorKind::audit, head.epoch, head.rev);
    if (!cursor) return tl::unexpected(cursor.error());
    std::uint64_t line = 0;
    const char* const end = cursor->key.data() + cursor->key.size();
    if (std::from_chars(cursor->key.data(), end, line).ptr != end || line == 0)
      return fail_field("after", "not a cursor of this operation");
    return Start{Revision(cursor->n), line};
  }
  Start start{view.floor().next(), 1};
  if (!request.since || *request.since == 0) return start;
  // What is older than the floor is gone, and what is left of it is told from there.
  if (const auto before = view.revision_at(*request.since - 1)) {
    start.rev = before->next();
  } else if (before.error().code != ErrorCode::compacted) {
    return tl::unexpected(before.error());
  }
  if (source == nullptr) return start;
  const auto line = source->first_since(from_micros(*request.since));
  if (!line) return tl::unexpected(line.error());
  start.line = *line;
  return start;
}

bool is_asked(const AuditRequest& request, const AuditRecord& record) {
  if (request.by && record.by != *request.by) return false;
  if (request.since && to_micros(record.time) < *request.since) return false;
  return !request.ns || std::find(record.ns.begin(), record.ns.end(), *request.ns) != record.ns.end();
}

}  // namespace

std::string answer_audit(const ReadView& view, const codec::ReplyHead& head, const AuditRequest& request,
                         AuditSource* source) {
  const auto start = start_of(view, head, request, source);
  if (!start) return codec::encode_error_reply(head, start.error());
  JournalWalk journal(view, start->rev);
  FileWalk file(source, start->line);
  PageBuilder page(request.page.limit);
  std::optional<CursorToken> after;
  for (;;) {
    const auto write = journal.peek();
    if (!write) return codec::encode_error_reply(head, write.error());
    const auto line = file.peek();
    if (!line) return codec::encode_error_reply(head, line.error());
    if (*write == nullptr && *line == nullptr) break;
    if (page.full()) {
      after = CursorToken{CursorKind::audit,      head.epoch, head.rev,
                          journal.next().value(), {},         fmt::format("{}", file.next())};
      break;
    }
    page.visit();
    // Of one moment: the line first, for it stood there before the operation was done.
    const bool takes_line = *line != nullptr && (*write == nullptr || (*line)->time <= (*write)->time);
    const AuditRecord& record = takes_line ? **line : **write;
    if (is_asked(request, record)) page.next_item().raw(codec::encode_audit_record(record));
    takes_line ? file.pass() : journal.pass();
  }
  return reply_with(head, page, "records", after);
}

}  // namespace prismbus

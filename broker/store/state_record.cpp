// Encoding and decoding of the state's records: small fixed layouts, one pass each.
#include "broker/store/state_record.hpp"

#include <fmt/format.h>

#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/record_bytes.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::uint8_t kHasNote = 1, kHasReq = 2;
constexpr std::size_t kOutcomeBytes = 10;

void append_short(std::string& out, std::string_view bytes) {
  append_u8(out, static_cast<std::uint8_t>(bytes.size()));
  out.append(bytes);
}

void append_links(std::string& out, const VersionLinks& links) {
  append_be64(out, links.ordinal);
  append_u8(out, static_cast<std::uint8_t>(links.levels.size()));
  for (const Revision rev : links.levels) append_be64(out, rev.value());
}

bool read_links(RecordReader& in, VersionLinks& links) {
  links.ordinal = in.be64();
  const std::size_t levels = in.u8();
  if (!in.ok() || links.ordinal == 0 || levels != link_levels(links.ordinal)) return false;
  links.levels.reserve(levels);
  for (std::size_t i = 0; i < levels; ++i) links.levels.emplace_back(in.be64());
  return in.ok();
}

// Reads need no links: nothing is allocated for them.
void skip_links(RecordReader& in) {
  in.skip(8);
  in.skip(std::size_t{in.u8()} * 8);
}

void read_fixed(RecordReader& in, EntryView& entry) {
  entry.rev = Revision(in.be64());
  entry.created = Revision(in.be64());
  entry.version = in.be64();
  entry.time = in.time();
}

}  // namespace

// ---- head

void encode_head(std::string& out, std::string_view disk_key, const StoredTransaction& txn,
                 const StoredChange& change, const VersionLinks& links) {
  begin_record(out);
  append_be64(out, txn.rev.value());
  append_be64(out, change.created.value());
  append_be64(out, change.version);
  append_be64(out, to_micros(txn.time));
  append_links(out, links);
  append_short(out, txn.by);
  out.append(change.on_disk());
  seal_record(out, disk_key);
}

std::optional<EntryView> decode_head(std::string_view disk_key, std::string_view record) {
  const auto names = decode_head_key(disk_key);
  const auto payload = open_record(disk_key, record);
  if (!names || !payload) return std::nullopt;
  RecordReader in(*payload);
  EntryView entry;
  entry.ns = names->ns;
  entry.key = names->key;
  read_fixed(in, entry);
  skip_links(in);
  entry.by = in.bytes(in.u8());
  entry.value = in.rest();
  if (!in.ok() || entry.value.empty()) return std::nullopt;
  return entry;
}

std::optional<HeadRecord> decode_head_record(std::string_view disk_key, std::string_view record) {
  const auto entry = decode_head(disk_key, record);
  if (!entry) return std::nullopt;
  HeadRecord out{*entry, {}};
  RecordReader in(record.substr(kChecksumBytes));
  EntryView fixed;
  read_fixed(in, fixed);
  if (!read_links(in, out.links)) return std::nullopt;
  return out;
}

void encode_deleted(std::string& out, std::string_view disk_key, const DeletedRecord& deleted) {
  begin_record(out);
  append_be64(out, deleted.rev.value());
  append_links(out, deleted.links);
  seal_record(out, disk_key);
}

std::optional<DeletedRecord> decode_deleted(std::string_view disk_key, std::string_view record) {
  const auto payload = open_record(disk_key, record);
  if (!payload) return std::nullopt;
  RecordReader in(*payload);
  DeletedRecord out;
  out.rev = Revision(in.be64());
  if (!read_links(in, out.links) || !in.done()) return std::nullopt;
  return out;
}

// ---- history

void encode_history(std::string& out, std::string_view disk_key, const StoredTransaction& txn,
                    const StoredChange& change, const VersionLinks& links) {
  begin_record(out);
  append_u8(out, static_cast<std::uint8_t>(change.op));
  append_u8(out, static_cast<std::uint8_t>((txn.note ? kHasNote : 0) | (txn.req ? kHasReq : 0)));
  append_be64(out, change.created.value());
  append_be64(out, change.version);
  append_be64(out, to_micros(txn.time));
  append_links(out, links);
  append_short(out, txn.by);
  if (txn.note) {
    append_be16(out, static_cast<std::uint16_t>(txn.note->size()));
    out.append(*txn.note);
  }
  if (txn.req) {
    append_short(out, txn.req->session);
    append_be64(out, txn.req->n);
  }
  out.append(change.on_disk());
  seal_record(out, disk_key);
}

std::optional<HistoryRecord> decode_history(std::string_view disk_key, std::string_view record) {
  const auto payload = open_record(disk_key, record);
  if (!payload) return std::nullopt;
  RecordReader in(*payload);
  HistoryRecord out;
  const std::uint8_t op = in.u8(), flags = in.u8();
  if (op < 1 || op > 2 || (flags & ~(kHasNote | kHasReq)) != 0) return std::nullopt;
  out.op = static_cast<ChangeOp>(op);
  out.created = Revision(in.be64());
  out.version = in.be64();
  out.time = in.time();
  if (!read_links(in, out.links)) return std::nullopt;
  out.by = in.bytes(in.u8());
  if ((flags & kHasNote) != 0) out.note = in.bytes(in.be16());
  if ((flags & kHasReq) != 0) {
    out.session = in.bytes(in.u8());
    out.n = in.be64();
  }
  out.value = in.rest();
  if (!in.ok() || (out.op == ChangeOp::del) != out.value.empty()) return std::nullopt;
  return out;
}

// ---- change sets, namespaces

void encode_changeset(std::string& out, std::string_view disk_key, Revision rev) {
  begin_record(out);
  append_be64(out, rev.value());
  seal_record(out, disk_key);
}

std::optional<Revision> decode_changeset(std::string_view disk_key, std::string_view record) {
  const auto payload = open_record(disk_key, record);
  if (!payload) return std::nullopt;
  RecordReader in(*payload);
  const Revision rev(in.be64());
  return in.done() ? std::optional(rev) : std::nullopt;
}

void encode_namespace(std::string& out, std::string_view ns, const RecentHead& head) {
  PRISMBUS_ASSERT(head.head.hash == head.figures.hash, "a head's hash is that of its namespace's figures");
  begin_record(out);
  append_be64(out, head.head.seq.value());
  append_be64(out, head.head.rev.value());
  append_be64(out, to_micros(head.head.time));
  append_u8(out, static_cast<std::uint8_t>(head.head.lane));
  append_be64(out, head.figures.hash);
  append_be64(out, head.figures.keys);
  append_be64(out, head.figures.bytes);
  seal_record(out, ns);
}

std::optional<RecentHead> decode_namespace(std::string_view ns, std::string_view record) {
  const auto payload = open_record(ns, record);
  if (!payload) return std::nullopt;
  RecordReader in(*payload);
  RecentHead out;
  out.head.seq = Seq(in.be64());
  out.head.rev = Revision(in.be64());
  out.head.time = in.time();
  const std::uint8_t lane = in.u8();
  if (lane > static_cast<std::uint8_t>(Lane::express)) return std::nullopt;
  out.head.lane = static_cast<Lane>(lane);
  out.head.hash = out.figures.hash = in.be64();
  out.figures.keys = in.be64();
  out.figures.bytes = in.be64();
  return in.done() ? std::optional(out) : std::nullopt;
}

// ---- sessions

void encode_session_header(std::string& out, std::string_view disk_key, const SessionHeaderRecord& header) {
  begin_record(out);
  append_be64(out, header.highest);
  append_be64(out, to_micros(header.last_write));
  seal_record(out, disk_key);
}

std::optional<SessionHeaderRecord> decode_session_header(std::string_view disk_key, std::string_view record) {
  const auto payload = open_record(disk_key, record);
  if (!payload) return std::nullopt;
  RecordReader in(*payload);
  SessionHeaderRecord out;
  out.highest = in.be64();
  out.last_write = in.time();
  return in.done() ? std::optional(out) : std::nullopt;
}

void encode_session_outcomes(std::string& out, std::string_view disk_key, const SessionState& state) {
  begin_record(out);
  append_be64(out, state.highest);
  append_be16(out, static_cast<std::uint16_t>(state.outcomes.size()));
  for (const auto& [n, rev] : state.outcomes) {
    append_be16(out, static_cast<std::uint16_t>(state.highest - n));
    append_be64(out, rev.value());
  }
  seal_record(out, disk_key);
}

std::optional<SessionState> decode_session_outcomes(std::string_view disk_key, std::string_view record) {
  const auto payload = open_record(disk_key, record);
  if (!payload) return std::nullopt;
  RecordReader in(*payload);
  SessionState out;
  out.highest = in.be64();
  const std::size_t count = in.be16();
  if (count * kOutcomeBytes != in.left()) return std::nullopt;
  out.outcomes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t below = in.be16();
    const Revision rev(in.be64());
    if (below > out.highest) return std::nullopt;
    const std::uint64_t n = out.highest - below;
    if (!out.outcomes.empty() && out.outcomes.back().first >= n) return std::nullopt;
    out.outcomes.emplace_back(n, rev);
  }
  return in.done() ? std::optional(std::move(out)) : std::nullopt;
}

// ---- meta

void encode_state_meta(std::string& out, const StateMeta& meta) {
  begin_record(out);
  append_be64(out, meta.format);
  append_be64(out, meta.epoch.value());
  append_be64(out, meta.folded.value());
  append_be64(out, meta.floor.value());
  seal_record(out, kMetaKey);
}

Result<StateMeta> decode_state_meta(std::string_view record) {
  const auto payload = open_record(kMetaKey, record);
  if (!payload) return fail(ErrorCode::internal, "state meta record: checksum does not match");
  RecordReader in(*payload);
  StateMeta meta;
  meta.format = in.be64();
  if (in.ok() && meta.format != kDiskFormat) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("the state has disk format {}, this broker reads format {}", meta.format, kDiskFormat));
  }
  meta.epoch = Epoch(in.be64());
  meta.folded = Revision(in.be64());
  meta.floor = Revision(in.be64());
  if (!in.done() || meta.floor > meta.folded)
    return fail(ErrorCode::internal, "state meta record: not well-formed");
  return meta;
}

Error damaged_record(std::string_view table, std::string_view disk_key, std::string_view what) {
  // Keys hold NUL and raw integers: shown escaped, so that the line names the record exactly.
  std::string name;
  for (const char c : disk_key) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u >= 0x7f) {
      name += fmt::format("\\x{:02x}", u);
    } else {
      name += c;
    }
  }
  Error error;
  error.code = ErrorCode::internal;
  error.message = fmt::format("state record {} \"{}\": {}", table, name, what);
  return error;
}

}  // namespace prismbus

// Encoding and decoding of journal records. Decoding is the start-up path for the whole unfolded tail: one
// pass, one copy of each set's bytes, no MessagePack.
#include "broker/store/journal_record.hpp"

#include "broker/store/disk_keys.hpp"
#include "broker/store/record_bytes.hpp"
#include "proto/base/assert.hpp"
#include "proto/seal/value_seal.hpp"

namespace prismbus {
namespace {

constexpr std::uint8_t kHasNote = 1, kHasReq = 2;
constexpr std::size_t kChangeBytes = 31, kSetBytesMin = 40;
constexpr std::uint8_t kSealed = 0x80;  // beside the lane
constexpr char kSealMark = '\xc1';

std::uint32_t offset_in(const StoredSet& set, std::string_view part) {
  if (part.empty()) return 0;
  PRISMBUS_ASSERT(part.data() >= set.encoded.data() &&
                      part.data() + part.size() <= set.encoded.data() + set.encoded.size(),
                  "a stored change lends from its set's encoded bytes");
  return static_cast<std::uint32_t>(part.data() - set.encoded.data());
}

void append_change(std::string& out, const StoredSet& set, const StoredChange& change) {
  append_u8(out, static_cast<std::uint8_t>(change.op));
  append_be64(out, change.version);
  append_be64(out, change.created.value());
  append_be32(out, offset_in(set, change.key));
  append_be16(out, static_cast<std::uint16_t>(change.key.size()));
  append_be32(out, offset_in(set, change.value));
  append_be32(out, static_cast<std::uint32_t>(change.value.size()));
}

void append_set(std::string& out, const StoredSet& set) {
  const bool is_sealed = !set.sealed.empty();
  append_u8(out, static_cast<std::uint8_t>(static_cast<std::uint8_t>(set.lane) | (is_sealed ? kSealed : 0)));
  append_u8(out, static_cast<std::uint8_t>(set.ns.size()));
  out.append(set.ns);
  append_be64(out, set.seq.value());
  append_be64(out, set.after.hash);
  append_be64(out, set.after.keys);
  append_be64(out, set.after.bytes);
  append_be16(out, static_cast<std::uint16_t>(set.changes.size()));
  for (const StoredChange& change : set.changes) append_change(out, set, change);
  append_be32(out, static_cast<std::uint32_t>(set.encoded.size()));
  const std::size_t encoded_at = out.size();
  out.append(set.encoded);
  if (!is_sealed) return;
  for (const StoredChange& change : set.changes) {
    if (change.sealed.empty()) continue;
    const std::string_view text = change.sealed.substr(1 + kValueSealBytes);
    out.replace(encoded_at + offset_in(set, change.value), text.size(), text);
    out.append(change.sealed.substr(1, kValueSealBytes));
  }
}

// Reads `changes`; the places in `encoded` are checked once `encoded` is known.
bool read_changes(std::string_view table, StoredSet& set) {
  RecordReader in(table);
  const std::string_view encoded = set.encoded;
  for (StoredChange& change : set.changes) {
    const std::uint8_t op = in.u8();
    if (op != 1 && op != 2) return false;
    change.op = static_cast<ChangeOp>(op);
    change.version = in.be64();
    change.created = Revision(in.be64());
    const std::size_t key_at = in.be32(), key_size = in.be16(), value_at = in.be32(), value_size = in.be32();
    if (key_at + key_size > encoded.size() || value_at + value_size > encoded.size()) return false;
    if (key_size == 0 || (change.op == ChangeOp::del) != (value_size == 0)) return false;
    if (value_size == 0 && value_at != 0) return false;
    change.key = encoded.substr(key_at, key_size);
    change.value = encoded.substr(value_at, value_size);
  }
  return in.done();
}

// Each sealed value whole again: what makes it one stands behind the set, its ciphertext in the value's
// place.
bool read_seals(RecordReader& in, StoredSet& set) {
  std::size_t bytes = 0;
  for (const StoredChange& change : set.changes) {
    if (!change.value.empty()) bytes += 1 + kValueSealBytes + change.value.size();
  }
  set.sealed.reserve(bytes);  // views into it are taken as it grows
  for (StoredChange& change : set.changes) {
    if (change.value.empty()) continue;
    const std::size_t at = set.sealed.size();
    set.sealed.push_back(kSealMark);
    set.sealed.append(in.bytes(kValueSealBytes)).append(change.value);
    change.sealed = std::string_view(set.sealed).substr(at);
  }
  set.closed = true;
  return in.ok() && !set.sealed.empty();
}

bool read_set(RecordReader& in, StoredSet& set) {
  const std::uint8_t first = in.u8();
  const bool is_sealed = (first & kSealed) != 0;
  const std::uint8_t lane = is_sealed ? first ^ kSealed : first;
  if (lane > static_cast<std::uint8_t>(Lane::express)) return false;
  set.lane = static_cast<Lane>(lane);
  set.ns = in.bytes(in.u8());
  set.seq = Seq(in.be64());
  set.after.hash = in.be64();
  set.after.keys = in.be64();
  set.after.bytes = in.be64();
  const std::size_t count = in.be16();
  const std::string_view table = in.bytes(count * kChangeBytes);
  set.encoded = in.bytes(in.be32());
  if (!in.ok() || set.ns.empty() || count == 0) return false;
  set.changes.resize(count);
  return read_changes(table, set) && (!is_sealed || read_seals(in, set));
}

bool read_order(RecordReader& in, StoredTransaction& txn) {
  const std::size_t count = in.be16();
  if (count * 2 > in.left()) return false;
  txn.order.reserve(count);
  for (std::size_t i = 0; i < count; ++i) txn.order.push_back(in.be16());
  return true;
}

// Every item of `do` went to a set that is there, and each set got as many as it has changes.
bool order_fits(const StoredTransaction& txn) {
  if (txn.order.empty()) return true;
  std::vector<std::size_t> got(txn.sets.size(), 0);
  for (const std::uint16_t set : txn.order) {
    if (set >= got.size()) return false;
    ++got[set];
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] != txn.sets[i]->changes.size()) return false;
  }
  return true;
}

bool read_body(RecordReader& in, StoredTransaction& txn) {
  const std::uint8_t op = in.u8(), flags = in.u8();
  if (op < 1 || op > 4 || (flags & ~(kHasNote | kHasReq)) != 0) return false;
  txn.op = static_cast<WriteOp>(op);
  txn.rev = Revision(in.be64());
  txn.time = in.time();
  txn.by = in.bytes(in.be16());
  if ((flags & kHasNote) != 0) txn.note.emplace(in.bytes(in.be16()));
  if ((flags & kHasReq) != 0) {
    txn.req.emplace();
    txn.req->session = in.bytes(in.u8());
    txn.req->n = in.be64();
  }
  if (!read_order(in, txn)) return false;
  const std::size_t sets = in.be16();
  if (!in.ok() || sets == 0 || sets * kSetBytesMin > in.left()) return false;
  txn.sets.reserve(sets);
  for (std::size_t i = 0; i < sets; ++i) {
    txn.sets.push_back(std::make_unique<StoredSet>());
    if (!read_set(in, *txn.sets.back())) return false;
    if (i > 0 && txn.sets[i - 1]->ns >= txn.sets[i]->ns) return false;
  }
  if (txn.order.empty() && sets > 1) return false;
  return in.done() && order_fits(txn);
}

Hash128 read_hash(RecordReader& in) {
  Hash128 hash;
  hash.high = in.be64();
  hash.low = in.be64();
  return hash;
}

}  // namespace

void encode_journal_record(std::string& out, const StoredTransaction& txn, const Hash128& previous) {
  begin_record(out);
  append_be64(out, previous.high);
  append_be64(out, previous.low);
  append_u8(out, static_cast<std::uint8_t>(txn.op));
  append_u8(out, static_cast<std::uint8_t>((txn.note ? kHasNote : 0) | (txn.req ? kHasReq : 0)));
  append_be64(out, txn.rev.value());
  append_be64(out, to_micros(txn.time));
  append_be16(out, static_cast<std::uint16_t>(txn.by.size()));
  out.append(txn.by);
  if (txn.note) {
    append_be16(out, static_cast<std::uint16_t>(txn.note->size()));
    out.append(*txn.note);
  }
  if (txn.req) {
    append_u8(out, static_cast<std::uint8_t>(txn.req->session.size()));
    out.append(txn.req->session);
    append_be64(out, txn.req->n);
  }
  append_be16(out, static_cast<std::uint16_t>(txn.order.size()));
  for (const std::uint16_t set : txn.order) append_be16(out, set);
  append_be16(out, static_cast<std::uint16_t>(txn.sets.size()));
  for (const auto& set : txn.sets) append_set(out, *set);
  DiskKey key;
  seal_record(out, key.log(txn.rev));
}

Result<JournalRecord> decode_journal_record(std::string_view record, Revision rev) {
  const auto damaged = [rev](const char* what) {
    return fail(ErrorCode::internal, "journal record " + std::to_string(rev.value()) + ": " + what);
  };
  DiskKey key;
  const auto payload = open_record(key.log(rev), record);
  if (!payload) return damaged("checksum does not match");
  RecordReader in(*payload);
  const Hash128 previous = read_hash(in);
  const auto txn = std::make_shared<StoredTransaction>();
  if (!read_body(in, *txn)) return damaged("not a transaction record");
  if (txn->rev != rev) return damaged("holds another revision");
  return JournalRecord{txn, previous};
}

void encode_journal_meta(std::string& out, const JournalMeta& meta) {
  begin_record(out);
  append_be64(out, meta.format);
  append_be64(out, meta.epoch.value());
  append_be64(out, meta.floor.value());
  append_be64(out, meta.hash_at_floor.high);
  append_be64(out, meta.hash_at_floor.low);
  append_be64(out, meta.last.value());
  if (meta.sealed_by != 0) append_be64(out, meta.sealed_by);
  seal_record(out, kMetaKey);
}

Result<JournalMeta> decode_journal_meta(std::string_view record) {
  const auto payload = open_record(kMetaKey, record);
  if (!payload) return fail(ErrorCode::internal, "journal meta record: checksum does not match");
  RecordReader in(*payload);
  JournalMeta meta;
  meta.format = in.be64();
  if (in.ok() && meta.format != kDiskFormat) {
    return fail(ErrorCode::unsupported, "the journal has disk format " + std::to_string(meta.format) +
                                            ", this broker reads format " + std::to_string(kDiskFormat));
  }
  meta.epoch = Epoch(in.be64());
  meta.floor = Revision(in.be64());
  meta.hash_at_floor = read_hash(in);
  meta.last = Revision(in.be64());
  if (in.left() == 8) meta.sealed_by = in.be64();
  if (!in.done() || meta.floor > meta.last)
    return fail(ErrorCode::internal, "journal meta record: not well-formed");
  return meta;
}

}  // namespace prismbus

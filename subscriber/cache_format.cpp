#include "subscriber/cache_format.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "proto/base/bytes.hpp"
#include "proto/base/hash.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::cache {
namespace {

constexpr std::size_t kHeaderFixed = 8 + 4 + 4 + 8 + 2;

std::uint64_t link(std::uint64_t before, std::string_view bytes) {
  return xxh3_64(bytes) ^ std::rotl(before, 29);
}

template <class Integer>
void append_int(std::string& out, Integer v) {
  for (std::size_t i = sizeof v; i-- > 0;) out.push_back(static_cast<char>(v >> (8 * i)));
}

// Reads fields; what is not there reads as zero, and ok() says so.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  template <class Integer>
  [[nodiscard]] Integer integer() {
    const std::string_view raw = bytes(sizeof(Integer));
    std::uint64_t v = 0;
    for (const char c : raw) v = v << 8 | static_cast<std::uint8_t>(c);
    return static_cast<Integer>(v);
  }
  [[nodiscard]] Wall time() {
    const auto micros = integer<std::uint64_t>();
    if (micros <= INT64_MAX) return from_micros(micros);
    ok_ = false;
    return {};
  }
  [[nodiscard]] std::string_view bytes(std::size_t n) {
    if (rest_.size() < n) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Mark read_mark(Fields& in) {
  Mark mark;
  mark.seq = Seq(in.integer<std::uint64_t>());
  mark.rev = Revision(in.integer<std::uint64_t>());
  mark.time = in.time();
  mark.hash = in.integer<std::uint64_t>();
  return mark;
}

void append_mark(std::string& out, const Mark& mark) {
  append_be64(out, mark.seq.value());
  append_be64(out, mark.rev.value());
  append_be64(out, to_micros(mark.time));
  append_be64(out, mark.hash);
}

unexpected<Error> damaged(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

// ---- records to content

bool take_entries(std::string_view body, NamespaceCopy& copy, Garbage& garbage) {
  Fields in(body);
  Entry entry;
  while (!in.empty()) {
    const auto key_size = in.integer<std::uint8_t>();
    const auto value_size = in.integer<std::uint32_t>();
    entry.rev = Revision(in.integer<std::uint64_t>());
    entry.version = in.integer<std::uint64_t>();
    entry.time = in.time();
    entry.key = in.bytes(key_size);
    const std::string_view value = in.bytes(value_size);
    if (!in.ok() || !is_key(entry.key) || value.empty() || value.size() > limits::kValueBytes) return false;
    entry.value = value;
    copy.insert(entry, garbage);
  }
  return true;
}

std::optional<ChangeSet> read_changes(std::string_view body, Mark& mark) {
  Fields in(body);
  mark = read_mark(in);
  mark.seen = in.time();
  ChangeSet set;
  set.seq = mark.seq;
  set.rev = mark.rev;
  set.time = mark.time;
  while (in.ok() && !in.empty()) {
    Change change;
    const auto op = in.integer<std::uint8_t>();
    const auto key_size = in.integer<std::uint8_t>();
    const auto value_size = in.integer<std::uint32_t>();
    change.version = in.integer<std::uint64_t>();
    change.key = in.bytes(key_size);
    change.value = in.bytes(value_size);
    change.op = static_cast<ChangeOp>(op);
    const bool put = op == static_cast<std::uint8_t>(ChangeOp::put);
    if (!in.ok() || (!put && op != static_cast<std::uint8_t>(ChangeOp::del)) || !is_key(change.key) ||
        put == change.value.empty() || change.value.size() > limits::kValueBytes) {
      return std::nullopt;
    }
    set.changes.push_back(std::move(change));
  }
  if (!in.ok()) return std::nullopt;
  return set;
}

bool take_state(std::string_view body, Loaded& out) {
  Fields in(body);
  const Mark mark = read_mark(in);
  const auto keys = in.integer<std::uint64_t>();
  out.seen = in.time();
  if (!in.ok() || !in.empty() || mark.hash != out.copy.hash || keys != out.copy.entries.size()) return false;
  out.copy.seq = mark.seq;
  out.copy.rev = mark.rev;
  out.copy.time = mark.time;
  return true;
}

enum class Step : std::uint8_t { used, stop, contradiction };

Step take_step(const Splitter::Record& record, Loaded& out, Garbage& garbage) {
  if (record.kind == Kind::seen) {
    Fields in(record.body);
    const Wall seen = in.time();
    if (!in.ok() || !in.empty()) return Step::stop;
    out.seen = std::max(out.seen, seen);
    return Step::used;
  }
  if (record.kind != Kind::changes) return Step::stop;
  Mark mark;
  const auto set = read_changes(record.body, mark);
  if (!set || mark.seq != out.copy.seq.next() || mark.rev <= out.copy.rev) return Step::stop;
  out.copy.apply(*set, garbage, nullptr);
  out.seen = std::max(out.seen, mark.seen);
  return out.copy.hash == mark.hash ? Step::used : Step::contradiction;
}

}  // namespace

// ---- writing

void Encoder::header(const Header& header) {
  const std::size_t first = bytes.size();
  bytes += kMagic;
  append_int(bytes, kFormat);
  append_int(bytes, std::uint32_t{0});
  append_be64(bytes, header.epoch.value());
  append_int(bytes, static_cast<std::uint16_t>(header.ns.size()));
  bytes += header.ns;
  chain_ = link(0, std::string_view(bytes).substr(first));
  append_be64(bytes, chain_);
}

void Encoder::record(Kind kind, std::string_view body) {
  const std::size_t first = bytes.size();
  append_int(bytes, static_cast<std::uint32_t>(body.size()));
  bytes.push_back(static_cast<char>(kind));
  bytes += body;
  chain_ = link(chain_, std::string_view(bytes).substr(first));
  append_be64(bytes, chain_);
}

void append_entry(std::string& out, std::string_view key, std::string_view value, Revision rev,
                  std::uint64_t version, Wall time) {
  append_int(out, static_cast<std::uint8_t>(key.size()));
  append_int(out, static_cast<std::uint32_t>(value.size()));
  append_be64(out, rev.value());
  append_be64(out, version);
  append_be64(out, to_micros(time));
  out += key;
  out += value;
}

void append_state(std::string& out, const Mark& mark, std::uint64_t keys) {
  append_mark(out, mark);
  append_be64(out, keys);
  append_be64(out, to_micros(mark.seen));
}

void append_changes_head(std::string& out, const Mark& mark) {
  append_mark(out, mark);
  append_be64(out, to_micros(mark.seen));
}

void append_change(std::string& out, std::string_view key, const EntryLeaf* after) {
  const std::string_view value = after == nullptr ? std::string_view() : after->value();
  append_int(out, static_cast<std::uint8_t>(after == nullptr ? ChangeOp::del : ChangeOp::put));
  append_int(out, static_cast<std::uint8_t>(key.size()));
  append_int(out, static_cast<std::uint32_t>(value.size()));
  append_be64(out, after == nullptr ? 0 : after->version);
  out += key;
  out += value;
}

void append_seen(std::string& out, Wall seen) {
  append_be64(out, to_micros(seen));
}

// ---- reading

Result<Header> Splitter::header() {
  const std::string_view rest = bytes_.substr(at_);
  Fields in(rest);
  if (in.bytes(kMagic.size()) != kMagic) return damaged("no cache or seed file");
  const auto format = in.integer<std::uint32_t>();
  if (in.ok() && format > kFormat) {
    return fail(ErrorCode::unsupported, "format " + std::to_string(format) +
                                            " of a cache or seed file; format " + std::to_string(kFormat) +
                                            " is known here");
  }
  const auto flags = in.integer<std::uint32_t>();
  Header header;
  header.epoch = Epoch(in.integer<std::uint64_t>());
  const auto size = in.integer<std::uint16_t>();
  header.ns = in.bytes(size);
  const std::size_t signed_bytes = kHeaderFixed + size;
  const auto checksum = in.integer<std::uint64_t>();
  if (!in.ok() || format != kFormat || flags != 0) return damaged("a damaged header");
  if (checksum != link(0, rest.substr(0, signed_bytes)) || !is_namespace(header.ns)) {
    return damaged("a damaged header");
  }
  chain_ = checksum;
  at_ += signed_bytes + kChecksumBytes;
  return header;
}

std::optional<Splitter::Record> Splitter::next() {
  const std::string_view rest = bytes_.substr(at_);
  Fields in(rest);
  const auto size = in.integer<std::uint32_t>();
  const auto kind = in.integer<std::uint8_t>();
  if (!in.ok() || size > kRecordBytesMax || kind < static_cast<std::uint8_t>(Kind::entries) ||
      kind > static_cast<std::uint8_t>(Kind::end)) {
    return std::nullopt;
  }
  Record record{static_cast<Kind>(kind), in.bytes(size)};
  const auto checksum = in.integer<std::uint64_t>();
  if (!in.ok() || checksum != link(chain_, rest.substr(0, kRecordHeadBytes + size))) return std::nullopt;
  chain_ = checksum;
  at_ += kRecordHeadBytes + size + kChecksumBytes;
  return record;
}

Result<Loaded> load(std::string_view bytes) {
  Splitter split(bytes);
  const auto header = split.header();
  if (!header) return unexpected<Error>(header.error());
  Loaded out;
  out.epoch = header->epoch;
  out.ns = std::string(header->ns);
  Garbage garbage;
  const auto refuse = [&](std::string why) -> Result<Loaded> {
    out.copy.entries.retire(garbage);
    garbage.release_all();
    return damaged(std::move(why));
  };
  const auto use = [&] {
    garbage.release_all();  // what a step replaced: nobody has seen it
    out.good_bytes = split.at();
    out.chain = split.chain();
  };

  bool ended = false;
  while (!ended) {
    const auto record = split.next();
    if (!record) return refuse("the picture is not whole");
    if (record->kind == Kind::entries) {
      if (!take_entries(record->body, out.copy, garbage)) return refuse("malformed entries");
      garbage.release_all();
    } else if (record->kind == Kind::state && take_state(record->body, out)) {
      ended = true;
    } else {
      return refuse("a picture that contradicts itself");
    }
  }
  use();
  out.picture_bytes = out.good_bytes;
  while (!split.at_end()) {
    const auto record = split.next();
    if (!record) return out;
    if (record->kind == Kind::end && record->body.empty()) {
      use();
      out.whole = true;
      return out;
    }
    const Step step = take_step(*record, out, garbage);
    if (step == Step::contradiction) return refuse("a change set that contradicts itself");
    if (step == Step::stop) {
      garbage.release_all();
      return out;
    }
    use();
  }
  out.whole = true;
  return out;
}

static_assert(kHeaderFixed + limits::kNsBytes + kChecksumBytes == kHeaderBytesMax, "as the grammar says");

}  // namespace prismbus::cache

#include "subscriber/cache/cache_format.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "proto/base/bytes.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/cache/cache_fields.hpp"

namespace prismbus::cache {
namespace {

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
    out.seen = seen;
    return Step::used;
  }
  if (record.kind != Kind::changes) return Step::stop;
  Mark mark;
  const auto set = read_changes(record.body, mark);
  if (!set || mark.seq != out.copy.seq.next() || mark.rev <= out.copy.rev) return Step::stop;
  out.copy.apply(*set, garbage, nullptr);
  out.seen = mark.seen;  // the last word counts, as clocks are set back too
  return out.copy.hash == mark.hash ? Step::used : Step::contradiction;
}

}  // namespace

// ---- writing

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

Result<Loaded> load(std::string_view bytes, const CacheKey* key) {
  Splitter split(bytes, key);
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

}  // namespace prismbus::cache

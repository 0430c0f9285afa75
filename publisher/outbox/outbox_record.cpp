#include "publisher/outbox/outbox_record.hpp"

#include <algorithm>
#include <utility>

#include "proto/base/bytes.hpp"
#include "proto/base/hash.hpp"
#include "proto/wire/codec/map_reader.hpp"
#include "proto/wire/codec/writer.hpp"

namespace prismbus {
namespace {

using codec::Items;
using codec::MapReader;
using codec::Writer;

constexpr char kFormat = 1;
constexpr std::size_t kHeadBytes = 9;

std::uint64_t checksum(std::uint64_t id, std::string_view body) {
  std::string covered;
  covered.reserve(8 + body.size());
  append_be64(covered, id);
  return xxh3_64(covered.append(body));
}

std::string sealed(std::uint64_t id, std::string_view body) {
  std::string out(1, kFormat);
  append_be64(out, checksum(id, body));
  return out.append(body);
}

Result<std::string_view> unsealed(std::uint64_t id, std::string_view bytes) {
  if (bytes.size() <= kHeadBytes || bytes[0] != kFormat) {
    return fail(ErrorCode::internal, "a record of a format this version does not know");
  }
  const auto body = bytes.substr(kHeadBytes);
  if (load_be64(bytes.data() + 1) != checksum(id, body)) {
    return fail(ErrorCode::internal, "a damaged record: its checksum does not match");
  }
  return body;
}

std::uint32_t count_of(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

// Reads every item of an array of maps.
template <class Read>
void each(MapReader& in, Items items, Read read) {
  for (std::uint32_t i = 0; i < items.count && in.fault().ok(); ++i) {
    MapReader item(items.items.take(), nullptr, in.fault());
    read(item);
  }
}

ChangeOp op_of(MapReader& in) {
  return in.uint("op") == static_cast<std::uint64_t>(ChangeOp::del) ? ChangeOp::del : ChangeOp::put;
}

void write_attempt(Writer& out, const OutboxAttempt& attempt) {
  out.map(5U + (attempt.step > 0 ? 1U : 0U));
  out.name("session"), out.bin(attempt.req.session);
  out.field("n", attempt.req.n);
  out.field("epoch", attempt.epoch.value());
  out.field("first", to_micros(attempt.first));
  out.field("merged", attempt.merged);
  if (attempt.step > 0) out.field("step", static_cast<std::uint64_t>(attempt.step));
}

OutboxAttempt read_attempt(MapReader& in) {
  OutboxAttempt out;
  codec::Cursor session(in.any("session"));
  std::string_view bytes;
  if (session.read_bin(bytes)) out.req.session = bytes;
  out.req.n = in.uint("n");
  out.epoch = Epoch(in.uint("epoch"));
  out.first = from_micros(in.uint("first"));
  out.merged = in.boolean_or("merged", false);
  out.step = in.maybe_uint("step").value_or(0);
  return out;
}

}  // namespace

std::size_t conditions_of(const OutboxRecord& record) {
  const auto bases = std::count_if(record.steps.begin(), record.steps.end(),
                                   [](const auto& step) { return step.base.has_value(); });
  return record.guards.size() + static_cast<std::size_t>(bases);
}

std::string encode_outbox_record(const OutboxRecord& record) {
  std::string body;
  Writer out(body);
  out.map(record.note ? 6 : 5);
  out.field("time", to_micros(record.queued_at));
  out.field("epoch", record.epoch.value());
  out.name("steps"), out.array(count_of(record.steps.size()));
  for (const auto& step : record.steps) {
    out.map(4U + (step.base ? 1U : 0U));
    out.field("op", static_cast<std::uint64_t>(step.op));
    out.field("ns", std::string_view(step.ns));
    out.field("key", std::string_view(step.key));
    out.name("value"), out.bin(step.value);
    if (step.base) out.field("base", step.base->value());
  }
  out.name("guards"), out.array(count_of(record.guards.size()));
  for (const auto& guard : record.guards) {
    out.map(3);
    out.field("ns", std::string_view(guard.ns));
    out.field("key", std::string_view(guard.key));
    out.field("rev", guard.rev.value());
  }
  out.name("attempts"), out.array(count_of(record.attempts.size()));
  for (const auto& attempt : record.attempts) write_attempt(out, attempt);
  if (record.note) out.field("note", std::string_view(*record.note));
  return sealed(record.id, body);
}

Result<OutboxRecord> decode_outbox_record(std::uint64_t id, std::string_view bytes) {
  const auto body = unsealed(id, bytes);
  if (!body) return tl::unexpected<Error>(body.error());
  codec::Fault fault;
  MapReader in(*body, nullptr, fault);
  OutboxRecord out;
  out.id = id;
  out.queued_at = from_micros(in.uint("time"));
  out.epoch = Epoch(in.uint("epoch"));
  each(in, in.array("steps"), [&](MapReader& step) {
    auto& s = out.steps.emplace_back();
    s.op = op_of(step);
    s.ns = step.ns("ns");
    s.key = step.key("key");
    codec::Cursor value(step.any("value"));
    std::string_view encoded;
    if (value.read_bin(encoded)) s.value = encoded;
    if (const auto base = step.maybe_uint("base")) s.base = Revision(*base);
  });
  each(in, in.array("guards"), [&](MapReader& guard) {
    auto& g = out.guards.emplace_back();
    g.ns = guard.ns("ns");
    g.key = guard.key("key");
    g.rev = Revision(guard.uint("rev"));
  });
  each(in, in.array("attempts"), [&](MapReader& attempt) { out.attempts.push_back(read_attempt(attempt)); });
  if (const auto note = in.maybe_text("note")) out.note = std::string(*note);
  if (fault.ok() && out.steps.empty()) return fail(ErrorCode::internal, "a record without a change");
  for (const auto& attempt : out.attempts) {
    if (fault.ok() && attempt.step >= out.steps.size()) {
      return fail(ErrorCode::internal, "a record with an attempt at a change it does not have");
    }
  }
  if (!fault.ok()) return tl::unexpected<Error>(in_context("a damaged record", fault.take().value()));
  return out;
}

OutboxOutcome unreadable_outcome(std::uint64_t id, std::string why) {
  OutboxOutcome out;
  out.id = id;
  out.kind = OutboxOutcome::Kind::rejected;
  out.message = std::move(why);
  return out;
}

std::string encode_outbox_outcome(const OutboxOutcome& outcome) {
  std::string body;
  Writer out(body);
  out.map(11);
  out.field("kind", static_cast<std::uint64_t>(outcome.kind));
  out.field("conflict", outcome.conflict);
  out.field("other_history", outcome.other_history);
  out.field("duplicate", outcome.duplicate);
  out.field("code", static_cast<std::uint64_t>(outcome.code));
  out.field("message", std::string_view(outcome.message));
  out.field("epoch", outcome.epoch.value());
  out.field("rev", outcome.rev.value());
  out.field("queued", to_micros(outcome.queued_at));
  out.field("settled", to_micros(outcome.settled_at));
  out.name("changes"), out.array(count_of(outcome.changes.size()));
  for (const auto& change : outcome.changes) {
    out.map(4);
    out.field("op", static_cast<std::uint64_t>(change.op));
    out.field("ns", std::string_view(change.ns));
    out.field("key", std::string_view(change.key));
    out.name("value"), out.bin(change.value);
  }
  return sealed(outcome.id, body);
}

Result<OutboxOutcome> decode_outbox_outcome(std::uint64_t id, std::string_view bytes) {
  const auto body = unsealed(id, bytes);
  if (!body) return tl::unexpected<Error>(body.error());
  codec::Fault fault;
  MapReader in(*body, nullptr, fault);
  OutboxOutcome out;
  out.id = id;
  const auto kind = in.uint("kind"), code = in.uint("code");
  out.conflict = in.boolean("conflict");
  out.other_history = in.boolean("other_history");
  out.duplicate = in.boolean("duplicate");
  out.message = in.text("message");
  out.epoch = Epoch(in.uint("epoch"));
  out.rev = Revision(in.uint("rev"));
  out.queued_at = from_micros(in.uint("queued"));
  out.settled_at = from_micros(in.uint("settled"));
  each(in, in.array("changes"), [&](MapReader& change) {
    auto& c = out.changes.emplace_back();
    c.op = op_of(change);
    c.ns = change.text("ns");
    c.key = change.text("key");
    codec::Cursor value(change.any("value"));
    std::string_view encoded;
    if (value.read_bin(encoded)) c.value = encoded;
  });
  if (!fault.ok()) return tl::unexpected<Error>(in_context("a damaged outcome", fault.take().value()));
  const bool known = kind >= 1 && kind <= static_cast<std::uint64_t>(OutboxOutcome::Kind::rejected);
  if (!known || code < 1 || code > kErrorTable.size()) {
    return fail(ErrorCode::internal, "an outcome of a kind this version does not know");
  }
  out.kind = static_cast<OutboxOutcome::Kind>(kind);
  out.code = static_cast<ErrorCode>(code);
  return out;
}

}  // namespace prismbus

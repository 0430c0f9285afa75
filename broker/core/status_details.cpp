#include "broker/core/status_details.hpp"

#include "proto/wire/codec/writer.hpp"

namespace prismbus {
namespace {

using codec::Writer;

void write_numbers(Writer& out, std::span<const std::uint64_t> numbers) {
  out.array(static_cast<std::uint32_t>(numbers.size()));
  for (const std::uint64_t n : numbers) out.uint(n);
}

void write(Writer& out, std::string_view name, const Histogram& histogram) {
  out.text(name);
  out.map(3);
  out.name("le");
  write_numbers(out, histogram.bounds());
  out.name("counts");
  write_numbers(out, histogram.counts());
  out.field("sum", histogram.sum());
}

// An operation always tells these two, so that the first of a kind is seen as a change; others when they are.
bool is_told(std::size_t code, std::uint64_t n) {
  return n > 0 || code == 0 || code == static_cast<std::size_t>(ErrorCode::internal);
}

void write_answers(Writer& out, const RequestMeter& meter) {
  out.name("answers");
  out.map(kOpTable.size());
  for (std::size_t op = 0; op < kOpTable.size(); ++op) {
    const auto& by_code = meter.answers()[op];
    std::uint32_t told = 0;
    for (std::size_t code = 0; code < by_code.size(); ++code) told += is_told(code, by_code[code]) ? 1u : 0u;
    out.text(kOpTable[op].name);
    out.map(told);
    for (std::size_t code = 0; code < by_code.size(); ++code) {
      if (is_told(code, by_code[code])) out.field(RequestMeter::name_of_code(code), by_code[code]);
    }
  }
  out.name("latency_us");
  out.map(kOpClasses);
  for (std::size_t of = 0; of < kOpClasses; ++of) {
    const auto op_class = static_cast<OpClass>(of);
    write(out, name_of(op_class), meter.took(op_class));
  }
}

void write_lanes(Writer& out, const ChangeStream::Counters& streamed) {
  constexpr std::array<std::string_view, 2> kNames{"changes", "express"};
  out.name("lanes");
  out.map(kNames.size());
  for (std::size_t lane = 0; lane < kNames.size(); ++lane) {
    const auto& of_lane = streamed.lanes[lane];
    out.text(kNames[lane]);
    out.map(3);
    out.field("frames", of_lane.frames);
    out.field("sets", of_lane.sets);
    out.field("bytes", of_lane.bytes);
  }
}

void write_token_failures(Writer& out, const TokenFailures& failures) {
  out.name("token_failures");
  out.map(kTokenFaults + 1);
  for (std::size_t fault = 0; fault < kTokenFaults; ++fault)
    out.field(kTokenFaultNames[fault], failures.by_fault[fault]);
  out.field("throttled", failures.throttled);
}

}  // namespace

void write_status_details(Writer& out, const StatusSources& ask) {
  const DoorFigures door = ask.door.figures();
  const RequestMeter& meter = ask.replier.meter();
  const ReaderCounters& read = ask.reads.counters();
  write_answers(out, meter);
  write_lanes(out, ask.stream.counters());
  out.name("doors");
  out.map(2);
  out.field("sockets", door.connections - door.gateway_connections);
  out.field("gateway", door.gateway_connections);
  out.name("store");
  out.map(4);
  write(out, "sync_us", ask.sequencer.journal_meter().sync());
  write(out, "batch_changes", ask.sequencer.journal_meter().changes());
  write(out, "batch_bytes", ask.sequencer.journal_meter().bytes());
  write(out, "fold_ms", ask.fold.fold_took());
  out.name("lags");
  out.map(3);
  write(out, "change_sets", ask.acks.lags().change_sets);
  write(out, "lacking_us", ask.acks.lags().lacking);
  write(out, "apply_us", ask.acks.lags().apply);
  out.name("resyncs");
  out.map(4);
  out.field("snapshot", read.first_chunks);
  out.field("catch_up", read.first_pages);
  out.field("compacted", read.names_compacted);
  out.field("other_history", meter.answers_with(ErrorCode::other_history));
  write_token_failures(out, ask.authoriser.token_failures());
}

}  // namespace prismbus

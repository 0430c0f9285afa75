// What every benchmark is given: sizes, where things are, servers to start, and where its rows go. The
// benchmarks are free functions, one a file, listed here in the order of the report. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "perf/request_stream.hpp"
#include "perf/row.hpp"
#include "perf/security_directory.hpp"
#include "perf/server_process.hpp"
#include "proto/base/result.hpp"

namespace prismbus::perf {

using Outcome = Result<void, std::string>;

struct BenchOptions {
  bool tiny = false;    // test-suite sizes; the rows it prints mean nothing
  std::string broker;   // path of prismbusd
  std::string command;  // path of prismbus
  std::string self;     // path of this executable, which is also every raw server
  std::string scratch;  // an existing directory on the disk to measure
  std::chrono::milliseconds measure{3000}, warm_up{500};
  int rounds = 3;  // ours and raw take turns this often; medians are reported
  std::chrono::seconds sustained{30};
  std::uint64_t seed = 20261123;
  std::vector<std::string> broker_args;  // added to every broker
};

class Bench {
 public:
  explicit Bench(BenchOptions options) : options_(std::move(options)), scratch_(options_.scratch) {}

  [[nodiscard]] const BenchOptions& options() const { return options_; }
  [[nodiscard]] const std::string& scratch() const { return scratch_.path(); }
  [[nodiscard]] KeySpace keys() const {
    return {.ns = "perf.market", .keys = options_.tiny ? 1000U : 100'000U};
  }

  // A broker on a data directory of that name in the scratch directory, on free loopback ports unless
  // `requests` and `changes` say otherwise.
  [[nodiscard]] std::vector<std::string> broker_command(
      const std::string& name, const std::string& requests,
      const std::string& changes = "tcp://127.0.0.1:0") const;
  [[nodiscard]] Result<ServerProcess, std::string> start_broker(const std::string& name,
                                                                std::vector<std::string> more = {}) const;
  // What a broker with security on starts from, in a directory of that name in the scratch directory.
  [[nodiscard]] Result<SecurityDirectory, std::string> secure(const std::string& name) const;
  // As start_broker, with security on.
  [[nodiscard]] Result<ServerProcess, std::string> start_secured(const std::string& name,
                                                                 const SecurityDirectory& security,
                                                                 std::vector<std::string> more = {}) const;
  // kind: echo, flood, durable, tcp.
  [[nodiscard]] Result<ServerProcess, std::string> start_raw(const std::string& kind,
                                                             std::size_t bytes = 300) const;
  // Puts every key of `space` once; with credentials where the broker has security on.
  [[nodiscard]] Outcome load(const std::string& endpoint, const KeySpace& space,
                             const Credentials& credentials = {}) const;

  void note(const std::string& line) const;  // progress, to stderr
  void report(const Row& row);
  [[nodiscard]] std::string log_tails() const;  // of every server started so far, for the report of a failure
  [[nodiscard]] int missed() const { return missed_; }  // rows below their mark

 private:
  BenchOptions options_;
  ScratchDirectory scratch_;
  int missed_ = 0;
};

[[nodiscard]] Outcome bench_disk(Bench& bench);
[[nodiscard]] Outcome bench_get_one_at_a_time(Bench& bench);
[[nodiscard]] Outcome bench_get_pipelined(Bench& bench);
[[nodiscard]] Outcome bench_connections(Bench& bench);
[[nodiscard]] Outcome bench_durable_puts(Bench& bench);
[[nodiscard]] Outcome bench_coalesced_puts(Bench& bench);
[[nodiscard]] Outcome bench_fan_out(Bench& bench);
[[nodiscard]] Outcome bench_put_to_callback(Bench& bench);
[[nodiscard]] Outcome bench_express(Bench& bench);
[[nodiscard]] Outcome bench_acks(Bench& bench);
[[nodiscard]] Outcome bench_start(Bench& bench);
[[nodiscard]] Outcome bench_view_reads(Bench& bench);
[[nodiscard]] Outcome bench_fed_reads(Bench& bench);
[[nodiscard]] Outcome bench_seal(Bench& bench);
[[nodiscard]] Outcome bench_secured_gets(Bench& bench);
[[nodiscard]] Outcome bench_core(Bench& bench);
[[nodiscard]] Outcome bench_sealed_fan_out(Bench& bench);
[[nodiscard]] Outcome bench_reconnects(Bench& bench);
[[nodiscard]] Outcome bench_web_sockets(Bench& bench);

// A benchmark that measures nothing: load for a profiler. `what`: get, put, connections-get, connections-put,
// spread.
[[nodiscard]] Outcome drive(Bench& bench, const std::string& what, const std::string& endpoint,
                            std::size_t window);

}  // namespace prismbus::perf

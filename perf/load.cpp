// prismbus_load: the benchmarks as one executable. A subcommand is a benchmark; it starts what it needs,
// prints rows of a markdown table to stdout and everything else to stderr. It is also the raw servers it
// measures against. Exit: 0 all marks reached (or tiny), 1 a benchmark could not run, 2 usage, 3 a mark was
// missed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "perf/bench.hpp"
#include "perf/follower_crowd.hpp"
#include "perf/raw_servers.hpp"
#include "proto/base/random.hpp"

namespace {

using namespace prismbus::perf;

struct Benchmark {
  const char* name;
  const char* help;
  Outcome (*run)(Bench&);
};

constexpr Benchmark kBenchmarks[] = {
    {"disk", "raw fdatasync and LMDB appends", bench_disk},
    {"get-single", "one REQ client, one get at a time", bench_get_one_at_a_time},
    {"get-pipelined", "gets pipelined on one connection", bench_get_pipelined},
    {"connections", "50 connections, one request outstanding each", bench_connections},
    {"puts", "durable puts, pipelined, sustained", bench_durable_puts},
    {"coalesced", "puts of one publisher, one by one and coalesced", bench_coalesced_puts},
    {"fan-out", "ten subscribers", bench_fan_out},
    {"callback", "put to subscriber callback, open loop", bench_put_to_callback},
    {"express", "an express change beside a saturated lane and a snapshot", bench_express},
    {"acks", "followers that ack, and a wait for all of them", bench_acks},
    {"start", "exec to first get after SIGKILL, recent full", bench_start},
    {"view", "reads from the subscriber's view", bench_view_reads},
    {"fed", "handles and views read while 100 k changes a second are fed to them", bench_fed_reads},
    {"seal", "bodies of the stream sealed and opened", bench_seal},
    {"secured-gets", "gets by CURVE and token beside gets without", bench_secured_gets},
    {"core", "a bound token and a sealed stream, in the core alone", bench_core},
    {"sealed-fan-out", "ten subscribers of a sealed stream beside a plain one", bench_sealed_fan_out},
    {"reconnects", "followers by CURVE and token that come back after SIGKILL", bench_reconnects},
    {"web-sockets", "one change to 10,000 WebSockets", bench_web_sockets},
};

std::string scratch_parent() {
  const char* dir = std::getenv("TMPDIR");
  return dir != nullptr && *dir != '\0' ? dir : "/tmp";
}

void make_tiny(BenchOptions& options) {
  options.measure = std::chrono::milliseconds(150);
  options.warm_up = std::chrono::milliseconds(20);
  options.rounds = 1;
}

int run_benchmarks(Bench& bench, const std::string& name) {
  if (!bench.options().tiny && !is_release_build()) {
    fmt::print(stderr,
               "this is no release build: its figures mean nothing (use --tiny to see whether it runs)\n");
    return 2;
  }
  fmt::print(stderr, "{}\n", describe_machine());
  int failed = 0;
  for (const Benchmark& benchmark : kBenchmarks) {
    if (name != "all" && name != benchmark.name) continue;
    fmt::print(stderr, "{}\n", benchmark.name);
    const auto outcome = benchmark.run(bench);
    if (outcome) continue;
    fmt::print(stderr, "{} could not be measured: {}\n{}", benchmark.name, outcome.error(),
               bench.log_tails());
    ++failed;
  }
  if (failed > 0) return 1;
  return bench.missed() > 0 && !bench.options().tiny ? 3 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"prismbus_load: load, latency and the raw limits beside them"};
  app.require_subcommand(1);
  BenchOptions options;
  options.self = std::filesystem::read_symlink("/proc/self/exe").string();
  options.broker = (std::filesystem::path(options.self).parent_path() / "prismbusd").string();
  options.command = (std::filesystem::path(options.self).parent_path() / "prismbus").string();
  options.scratch = scratch_parent();
  std::int64_t measure_ms = options.measure.count(), sustained_s = options.sustained.count();
  app.add_flag("--tiny", options.tiny, "sizes for the test suite; any build; the rows mean nothing");
  app.add_option("--broker", options.broker, "path of prismbusd");
  app.add_option("--command", options.command, "path of prismbus");
  app.add_option("--broker-arg", options.broker_args, "one more argument for every broker (repeatable)");
  app.add_option("--scratch", options.scratch, "existing directory on the disk to measure");
  app.add_option("--rounds", options.rounds, "ours and raw take turns this often")->check(CLI::Range(1, 99));
  app.add_option("--measure-ms", measure_ms, "of one turn")->check(CLI::Range(50, 600'000));
  app.add_option("--sustained-s", sustained_s, "of the sustained puts")->check(CLI::Range(1, 3600));
  app.add_option("--seed", options.seed, "of keys");

  std::string chosen;
  const auto choose = [&](const char* name, const char* help) {
    app.add_subcommand(name, help)->fallthrough()->callback([&chosen, name] { chosen = name; });
  };
  choose("all", "every benchmark");
  choose("machine", "print what the figures of this build and machine stand for");
  for (const Benchmark& benchmark : kBenchmarks) choose(benchmark.name, benchmark.help);

  RawServer raw;
  CLI::App* raw_command =
      app.add_subcommand("raw-server", "a raw server for the rows beside ours (used internally)");
  const std::map<std::string, RawServer::Kind> kinds{{"echo", RawServer::Kind::echo},
                                                     {"answer", RawServer::Kind::answer},
                                                     {"flood", RawServer::Kind::flood},
                                                     {"durable", RawServer::Kind::durable},
                                                     {"tcp", RawServer::Kind::tcp}};
  raw_command->add_option("--kind", raw.kind)->required()->transform(CLI::CheckedTransformer(kinds));
  raw_command->add_option("--ready-file", raw.ready_file)->required();
  raw_command->add_option("--bytes", raw.bytes)->check(CLI::Range(2, 1 << 20));
  raw_command->add_option("--data-dir", raw.data_dir);

  FollowerProcess followers;
  CLI::App* followers_command = app.add_subcommand("followers", "a crowd of followers (used internally)");
  followers_command->add_option("--requests", followers.requests)->required();
  followers_command->add_option("--server-key", followers.server_key)->required();
  followers_command->add_option("--tokens", followers.tokens_file)->required();

  std::string what = "get", endpoint = "tcp://127.0.0.1:7400";
  std::size_t window = 256;
  CLI::App* drive_command =
      app.add_subcommand("drive", "load a running broker, for a profiler")->fallthrough();
  drive_command->add_option("what", what)
      ->check(CLI::IsMember({"get", "put", "spread", "connections-get", "connections-put"}));
  drive_command->add_option("--endpoint", endpoint);
  drive_command->add_option("--window", window);
  CLI11_PARSE(app, argc, argv);

  if (raw_command->parsed()) return run_raw_server(raw);
  if (followers_command->parsed()) return run_follower_process(followers);
  prismbus::seed_libc_random();
  options.measure = std::chrono::milliseconds(measure_ms);
  options.sustained = std::chrono::seconds(sustained_s);
  if (options.tiny) make_tiny(options);
  if (chosen == "machine") {
    fmt::print("{}\n", describe_machine());
    return 0;
  }
  Bench bench(std::move(options));
  if (drive_command->parsed()) {
    const auto outcome = drive(bench, what, endpoint, window);
    if (!outcome) fmt::print(stderr, "{}\n", outcome.error());
    return outcome ? 0 : 1;
  }
  return run_benchmarks(bench, chosen);
}

#include "perf/bench.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "perf/loading.hpp"

namespace prismbus::perf {
namespace {
constexpr std::chrono::seconds kReadyDeadline{30};
}  // namespace

std::vector<std::string> Bench::broker_command(const std::string& name, const std::string& requests,
                                               const std::string& changes) const {
  std::vector<std::string> argv{options_.broker, "--data-dir", scratch() + "/" + name, "--requests", requests,
                                "--changes",     changes};
  argv.insert(argv.end(), options_.broker_args.begin(), options_.broker_args.end());
  return argv;
}

Result<ServerProcess, std::string> Bench::start_broker(const std::string& name,
                                                       std::vector<std::string> more) const {
  auto argv = broker_command(name, "tcp://127.0.0.1:0");
  argv.insert(argv.end(), more.begin(), more.end());
  return ServerProcess::start(std::move(argv), scratch() + "/" + name, kReadyDeadline);
}

Result<SecurityDirectory, std::string> Bench::secure(const std::string& name) const {
  return SecurityDirectory::make(options_.command, scratch(), name);
}

Result<ServerProcess, std::string> Bench::start_secured(const std::string& name,
                                                        const SecurityDirectory& security,
                                                        std::vector<std::string> more) const {
  more.insert(more.end(), {"--security", security.path()});
  return start_broker(name, std::move(more));
}

Result<ServerProcess, std::string> Bench::start_raw(const std::string& kind, std::size_t bytes) const {
  return ServerProcess::start({options_.self, "raw-server", "--kind", kind, "--bytes", std::to_string(bytes),
                               "--data-dir", scratch() + "/raw-" + kind},
                              scratch() + "/raw-" + kind, kReadyDeadline);
}

Outcome Bench::load(const std::string& endpoint, const KeySpace& space,
                    const Credentials& credentials) const {
  return load_keys(endpoint, space, credentials);
}

void Bench::note(const std::string& line) const {
  fmt::print(stderr, "  {}\n", line);
}

std::string Bench::log_tails() const {
  std::string text;
  for (const auto& file : std::filesystem::directory_iterator(scratch())) {
    if (file.path().extension() != ".log") continue;
    text += fmt::format("end of {}:\n{}\n", file.path().filename().string(), tail_of(file.path().string()));
  }
  return text;
}

void Bench::report(const Row& row) {
  if (row.reached && !*row.reached) ++missed_;
  fmt::print("{}\n", print(row));
  std::fflush(stdout);
}

}  // namespace prismbus::perf

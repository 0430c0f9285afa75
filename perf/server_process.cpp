#include "perf/server_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "proto/base/assert.hpp"

namespace prismbus::perf {
namespace {

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string first_of(const nlohmann::json& ready, const char* name) {
  const auto it = ready.find(name);
  return it != ready.end() && it->is_array() && !it->empty() ? it->front().get<std::string>() : std::string();
}

[[noreturn]] void become(char* const* argv, int log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

std::string tail_of(const std::string& path) {
  const std::string text = read_whole(path);
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

ScratchDirectory::ScratchDirectory(const std::string& parent) : path_(parent + "/prismbus-perf-XXXXXX") {
  PRISMBUS_ASSERT(::mkdtemp(path_.data()) != nullptr, "a scratch directory can be made");
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<ServerProcess, std::string> ServerProcess::spawn(std::vector<std::string> argv,
                                                        const std::string& log_stem) {
  std::vector<char*> raw;
  for (std::string& arg : argv) raw.push_back(arg.data());
  raw.push_back(nullptr);
  const int log = ::open((log_stem + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return tl::unexpected(log_stem + ".log cannot be written");
  const pid_t pid = ::fork();
  if (pid == 0) become(raw.data(), log);
  ::close(log);
  if (pid < 0) return tl::unexpected(std::string("fork failed"));
  return ServerProcess(pid);
}

Result<ServerProcess, std::string> ServerProcess::start(std::vector<std::string> argv,
                                                        const std::string& log_stem,
                                                        std::chrono::milliseconds deadline) {
  const std::string ready_file = log_stem + ".ready", name = argv.front();
  std::filesystem::remove(ready_file);
  argv.insert(argv.end(), {"--ready-file", ready_file});
  auto server = spawn(std::move(argv), log_stem);
  if (!server) return server;
  const auto give_up = std::chrono::steady_clock::now() + deadline;
  while (!std::filesystem::exists(ready_file)) {
    const bool ended = ::waitpid(server->pid_, nullptr, WNOHANG) == server->pid_;
    if (ended) server->pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > give_up) {
      return tl::unexpected(
          fmt::format("{} is not ready; its log ends:\n{}", name, tail_of(log_stem + ".log")));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto ready = nlohmann::json::parse(read_whole(ready_file), nullptr, false);
  if (!ready.is_object()) return tl::unexpected(name + " wrote a ready file that is no JSON");
  server->requests_ = first_of(ready, "requests");
  server->changes_ = first_of(ready, "changes");
  server->gateway_ = first_of(ready, "gateway");
  return server;
}

Result<void, std::string> ServerProcess::run(std::vector<std::string> argv, const std::string& log_stem,
                                             std::chrono::milliseconds deadline) {
  const std::string name = argv.front();
  auto child = spawn(std::move(argv), log_stem);
  if (!child) return tl::unexpected(child.error());
  int status = 0;
  for (const auto give_up = std::chrono::steady_clock::now() + deadline;
       ::waitpid(child->pid_, &status, WNOHANG) != child->pid_;) {
    if (std::chrono::steady_clock::now() > give_up) return tl::unexpected(name + " did not end");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  child->pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return tl::unexpected(fmt::format("{} failed; its log ends:\n{}", name, tail_of(log_stem + ".log")));
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept
    : pid_(other.pid_),
      requests_(std::move(other.requests_)),
      changes_(std::move(other.changes_)),
      gateway_(std::move(other.gateway_)) {
  other.pid_ = -1;
}

ServerProcess::~ServerProcess() {
  stop();
}

void ServerProcess::wait_for_end() {
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void ServerProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait_for_end();
}

void ServerProcess::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 1000; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill();
}

ServerProcess::CpuTimes ServerProcess::cpu_times() const {
  CpuTimes times;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_), gone)) {
    std::string name = read_whole(task.path() / "comm");
    if (!name.empty()) name.pop_back();  // its newline
    std::istringstream run_ns(read_whole(task.path() / "schedstat"));
    std::int64_t ns = 0;
    run_ns >> ns;
    times[name] += std::chrono::nanoseconds(ns);
  }
  return times;
}

std::string describe_cpu(const ServerProcess::CpuTimes& before, const ServerProcess::CpuTimes& after,
                         std::chrono::nanoseconds elapsed, double operations) {
  std::chrono::nanoseconds total{};
  std::string threads;
  for (const auto& [name, time] : after) {
    const auto earlier = before.find(name);
    const auto spent = earlier == before.end() ? time : time - earlier->second;
    total += spent;
    const double micros = operations > 0 ? static_cast<double>(spent.count()) / 1e3 / operations : 0;
    if (micros >= 0.005) threads += fmt::format(", {} {:.2f}", name, micros);
  }
  const double cores = static_cast<double>(total.count()) / static_cast<double>(elapsed.count());
  return fmt::format("broker {:.1f} cores; us CPU each{}", cores,
                     threads.empty() ? "" : ": " + threads.substr(2));
}

std::uint64_t ServerProcess::resident_bytes() const {
  std::istringstream fields(read_whole(fmt::format("/proc/{}/statm", pid_)));
  std::uint64_t total = 0, resident = 0;
  fields >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace prismbus::perf

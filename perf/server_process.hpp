// A server under measurement as a child process: the broker, or one of our own raw servers. Started with a
// ready file, found by the endpoints in it, ended by its process id. A child dies with its parent. One
// thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/base/result.hpp"

namespace prismbus::perf {

// A directory that is removed with everything in it.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::string& parent);  // aborts if it cannot be made: nothing can run
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ServerProcess {
 public:
  // Runs `argv` plus "--ready-file <log_stem>.ready" and waits until that file is there; its output goes to
  // <log_stem>.log. The error holds the end of that log.
  [[nodiscard]] static Result<ServerProcess, std::string> start(std::vector<std::string> argv,
                                                                const std::string& log_stem,
                                                                std::chrono::milliseconds deadline);
  // The same without waiting for the ready file; requests() and changes() are empty.
  [[nodiscard]] static Result<ServerProcess, std::string> spawn(std::vector<std::string> argv,
                                                                const std::string& log_stem);
  // Runs `argv` to its end, at most as long as `deadline`; its output goes to <log_stem>.log. The error holds
  // the end of that log: it exited with another code than 0, or did not end. Blocks.
  [[nodiscard]] static Result<void, std::string> run(std::vector<std::string> argv,
                                                     const std::string& log_stem,
                                                     std::chrono::milliseconds deadline);
  ~ServerProcess();  // TERM, and KILL after ten seconds
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& requests() const { return requests_; }  // first endpoint
  [[nodiscard]] const std::string& changes() const { return changes_; }
  [[nodiscard]] const std::string& gateway() const { return gateway_; }  // its URL; empty: none
  void kill();                                                           // SIGKILL, and waits for its end
  void stop();  // SIGTERM, and waits; SIGKILL after ten seconds

  // CPU time so far by thread name (those of one name together); user and system.
  using CpuTimes = std::map<std::string, std::chrono::nanoseconds>;
  [[nodiscard]] CpuTimes cpu_times() const;
  [[nodiscard]] std::uint64_t resident_bytes() const;

 private:
  ServerProcess(pid_t pid) : pid_(pid) {}
  void wait_for_end();
  pid_t pid_ = -1;
  std::string requests_, changes_, gateway_;
};

// Between two looks at a process that answered `operations` meanwhile: "1.3 cores; us CPU an operation:
// bus 2.10, ...".
[[nodiscard]] std::string describe_cpu(const ServerProcess::CpuTimes& before,
                                       const ServerProcess::CpuTimes& after, std::chrono::nanoseconds elapsed,
                                       double operations);
[[nodiscard]] std::string tail_of(
    const std::string& path);  // the last 2,000 bytes of a file; empty if there is none

}  // namespace prismbus::perf

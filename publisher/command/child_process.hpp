// A program run for the command: an editor, or what `watch --exec` names. Run by /bin/sh, with the signals a
// program expects, whatever this process has blocked or ignored. One thread owns a Child.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "publisher/command/failure.hpp"

namespace prismbus::command {

struct ChildSpec {
  std::string shell_command;
  std::vector<std::string> arguments;                            // its $1, $2, ...
  std::vector<std::pair<std::string, std::string>> environment;  // besides this process's own
  std::optional<std::string> input;                              // its standard input; nullopt = ours
};

class Child {
 public:
  // Exit::file when the process cannot be made.
  [[nodiscard]] static Outcome<Child> start(const ChildSpec& spec);
  ~Child();  // waits for it
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;

  [[nodiscard]] int fd() const { return fd_; }  // readable when it has ended
  void terminate() const;
  // Blocks until it has ended. Its exit code; 128 + N when signal N ended it, as shells say it.
  int wait();

 private:
  Child(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_ = -1;
  int fd_ = -1;
};

}  // namespace prismbus::command

#include "publisher/command/child_process.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace prismbus::command {
namespace {

// A text as a file to read from: unlike a pipe it never fills up, whatever the program does with it.
Outcome<int> readable(const std::string& text) {
  const int fd = ::memfd_create("prismbus", MFD_CLOEXEC);
  if (fd < 0) return file_failure("memory", "make a file in", errno);
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t n = ::write(fd, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(fd);
      return file_failure("memory", "write to", error);
    }
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> out;
  const auto replaced = [&more](std::string_view line) {
    const auto name = line.substr(0, line.find('='));
    return std::any_of(more.begin(), more.end(), [name](const auto& m) { return m.first == name; });
  };
  for (char** line = ::environ; *line != nullptr; ++line) {
    if (!replaced(*line)) out.emplace_back(*line);
  }
  for (const auto& [name, value] : more) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// No signal blocked, those this process handles or ignores as they were before.
void clean_signals(posix_spawnattr_t& attributes) {
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) sigaddset(&defaults, number);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

Outcome<Child> Child::start(const ChildSpec& spec) {
  const auto input = spec.input ? readable(*spec.input) : Outcome<int>(-1);
  if (!input) return tl::unexpected<Failure>(input.error());
  std::vector<std::string> words{"sh", "-c", spec.shell_command, "sh"};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  auto environment = environment_with(spec.environment);
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&files);
  clean_signals(attributes);
  if (*input >= 0) ::posix_spawn_file_actions_adddup2(&files, *input, STDIN_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &files, &attributes, pointers(words).data(),
                                  pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (*input >= 0) ::close(*input);
  if (error != 0) return file_failure("/bin/sh", "run", error);
  return Child(pid, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), fd_(std::exchange(other.fd_, -1)) {}

Child::~Child() {
  if (pid_ > 0) wait();
  if (fd_ >= 0) ::close(fd_);
}

void Child::terminate() const {
  if (pid_ > 0) ::kill(pid_, SIGTERM);
}

int Child::wait() {
  int status = 0;
  while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace prismbus::command

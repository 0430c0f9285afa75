#include "publisher/command/terminal/stop_signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace prismbus::command {

StopSignals::StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

StopSignals::~StopSignals() {
  ::close(fd_);
}

bool StopSignals::wait(int other, int milliseconds) const {
  pollfd fds[] = {{fd_, POLLIN, 0}, {other, POLLIN, 0}};
  ::poll(fds, other < 0 ? 1 : 2, milliseconds);
  return (fds[0].revents & POLLIN) != 0;
}

}  // namespace prismbus::command

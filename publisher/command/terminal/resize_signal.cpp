#include "publisher/command/terminal/resize_signal.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace prismbus::command {

ResizeSignal::ResizeSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

ResizeSignal::~ResizeSignal() {
  ::close(fd_);
}

bool ResizeSignal::take() const {
  signalfd_siginfo info;
  bool any = false;
  while (::read(fd_, &info, sizeof info) == sizeof info) any = true;
  return any;
}

}  // namespace prismbus::command

#include "broker/daemon/signal_inbox.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "proto/base/assert.hpp"

namespace prismbus {

SignalInbox::SignalInbox() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  PRISMBUS_ASSERT(fd_ >= 0, "a process that just started has a descriptor left");
}

SignalInbox::~SignalInbox() {
  ::close(fd_);
}

std::optional<SignalInbox::What> SignalInbox::take() const {
  signalfd_siginfo info{};
  if (::read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
  return info.ssi_signo == SIGHUP ? What::reload : What::stop;
}

}  // namespace prismbus

#include "proto/base/waker.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "proto/base/assert.hpp"

namespace prismbus {

Waker::Waker() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  PRISMBUS_ASSERT(fd_ >= 0, "an agent cannot be woken without an eventfd");
}

Waker::~Waker() {
  ::close(fd_);
}

void Waker::wake() {
  const std::uint64_t one = 1;
  // EAGAIN means the counter is full: the sleeper is awake many times over already.
  [[maybe_unused]] const auto n = ::write(fd_, &one, sizeof one);
}

void Waker::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(fd_, &count, sizeof count);
}

void Waker::sleep_for(std::chrono::milliseconds at_most) {
  pollfd p{fd_, POLLIN, 0};
  if (::poll(&p, 1, static_cast<int>(at_most.count())) > 0) clear();
}

}  // namespace prismbus

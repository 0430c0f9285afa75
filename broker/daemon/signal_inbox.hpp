// The signals that steer the broker, as a descriptor to poll. TERM and INT end it, HUP makes it read its
// settings again. Made on the main thread before any other thread is started: they inherit the mask, so that
// only the inbox gets the signals. A broker inside another program has none: its signals are that program's.
#pragma once

#include <cstdint>
#include <optional>

namespace prismbus {

class SignalInbox {
 public:
  enum class What : std::uint8_t { stop, reload };

  SignalInbox();  // blocks TERM, INT and HUP for this thread and those it starts; ignores PIPE
  ~SignalInbox();
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  [[nodiscard]] int fd() const { return fd_; }     // poll it for reading
  [[nodiscard]] std::optional<What> take() const;  // what came, one at a time; does not block

 private:
  int fd_;
};

}  // namespace prismbus

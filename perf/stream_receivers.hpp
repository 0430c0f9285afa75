// The subscribers of a fan-out benchmark, counting what reaches each. Two kinds: libzmq SUB sockets, which is
// what applications have, on a thread and a context of their own; and raw ZMTP connections read by the
// generator's own thread, the cheapest receivers there are, so that the sender is all that is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/base/result.hpp"

namespace prismbus::perf {

// Change sets in a frame, 0 in one that holds none.
using CountSets = std::function<std::uint64_t(std::string_view frame)>;
// ... in one that is not sealed: the length of the array behind the topic's '/'.
[[nodiscard]] std::uint64_t sets_in(std::string_view frame);

class StreamReceivers {
 public:
  struct Seen {
    std::uint64_t sets = 0, frames = 0, bytes = 0;
  };
  enum class Kind : std::uint8_t { libzmq, zmtp };

  // `n` subscribers of `topic` at `endpoint`. `count` is called on one thread, for libzmq sockets another
  // than the caller's. Connecting is not being subscribed: wait for a first event.
  [[nodiscard]] static Result<std::unique_ptr<StreamReceivers>, std::string> connect(
      Kind kind, const std::string& endpoint, const std::string& topic, std::size_t n,
      CountSets count = sets_in);
  virtual ~StreamReceivers() = default;

  [[nodiscard]] virtual int fd() const = 0;  // readable when there may be more to take
  [[nodiscard]] virtual bool take() = 0;     // counts what has come; false = a connection was lost
  [[nodiscard]] virtual Seen seen(std::size_t subscriber) const = 0;
};

}  // namespace prismbus::perf

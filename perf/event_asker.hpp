// Who asks for the events of a fan-out: over raw ZMTP, the cheapest there is, or by a libzmq DEALER, which
// speaks CURVE too. One thread besides libzmq's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "perf/fan_out_run.hpp"
#include "proto/base/result.hpp"

namespace prismbus::perf {

class EventAsker {
 public:
  using OnReply = std::function<void(std::string_view payload)>;  // called inside ask() and take()

  // `source` outlives it. Errors: no connection, or, with credentials, no good answer to `hello`. Blocks.
  [[nodiscard]] static Result<std::unique_ptr<EventAsker>, std::string> connect(const FanOutSource& source,
                                                                                OnReply on_reply);
  virtual ~EventAsker() = default;

  [[nodiscard]] virtual int fd() const = 0;           // readable when there may be replies
  [[nodiscard]] virtual bool ask(std::size_t n) = 0;  // the next n; false = the connection was lost
  [[nodiscard]] virtual bool take() = 0;              // what has come; false likewise
};

}  // namespace prismbus::perf

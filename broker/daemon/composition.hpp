// The broker put together: the only file that knows all rooms. Opens the store, binds the doors, starts the
// threads, supervises them from the caller's thread until a signal or a fault ends the process.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/daemon/settings.hpp"
#include "proto/base/log.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

class Composition {
 public:
  // Blocks TERM and INT for the process first: they are read in run(). Errors: what the store or a bind
  // refused.
  [[nodiscard]] static Result<std::unique_ptr<Composition>> open(const Settings& settings, LogSink log);
  ~Composition();

  // Serves; returns 0 after TERM or INT, 1 when the store failed. With 1 the process has to end at once,
  // without destroying this: a thread may be waiting for a disk that never answers.
  [[nodiscard]] int run();

 private:
  struct Parts;
  explicit Composition(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace prismbus

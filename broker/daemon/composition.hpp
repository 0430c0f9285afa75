// The broker put together: the only file that knows all rooms. Opens the store, binds the doors, starts the
// threads, supervises them from the caller's thread until it is told to stop or a fault ends it.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "broker/daemon/ready_file.hpp"
#include "broker/daemon/settings.hpp"
#include "broker/daemon/signal_inbox.hpp"
#include "proto/base/log.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

class Composition {
 public:
  // Reads the settings anew; nullopt when they cannot be taken as they are now. Supervisor's thread.
  using Reload = std::function<std::optional<Settings>()>;

  // Opens the store and binds. Errors: what either refused.
  [[nodiscard]] static Result<std::unique_ptr<Composition>> open(const Settings& settings, LogSink log);
  ~Composition();

  // The endpoints really bound.
  [[nodiscard]] ReadyNotice bound() const;

  // Serves on the caller's thread until stop() or a signal; `signals` may be null, `reload` answers HUP.
  // Returns 0, or 1 when the store failed. With 1 the process has to end at once, without destroying this: a
  // thread may be waiting for a disk that never answers.
  [[nodiscard]] int run(const SignalInbox* signals, const Reload& reload);
  // Ends run() as TERM does; any thread, also before run().
  void stop();

 private:
  struct Parts;
  explicit Composition(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace prismbus

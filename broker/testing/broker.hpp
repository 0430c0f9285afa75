// A whole broker inside a unit test: the real store, pipeline and sockets on loopback, on threads of its own,
// with its data in memory (a temporary directory on /dev/shm where there is one), gone when it goes. What a
// service's own tests need to see joins, restarts, outages and restored histories without a process to start.
// It blocks no signals and leaves the process's handlers alone. Not for production: it outlives nobody.
//
//   auto broker = prismbus::testing::Broker::start().value();
//   PublisherOptions options;
//   options.brokers = {broker->requests()};
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "proto/base/log.hpp"
#include "proto/wire/error.hpp"

namespace prismbus::testing {

struct BrokerOptions {
  std::chrono::milliseconds heartbeat{100};  // shorter than a broker's usual second: outages are found sooner
  std::size_t map_bytes = 256u << 20;        // the most that journal and state can grow to, each
  LogSink log{};                             // may be empty; called on the broker's threads
};

class Broker {
 public:
  // Serves when it returns. Errors: what the store or a bind refused.
  [[nodiscard]] static Result<std::unique_ptr<Broker>> start(BrokerOptions options = {});
  // Stops it and removes its data.
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // The endpoints it is bound to, the same for its whole life, restarts included. What clients connect to is
  // the first; the second is told to them.
  [[nodiscard]] const std::string& requests() const;
  [[nodiscard]] const std::string& changes() const;

  // An outage: answers what is in flight, closes its sockets, keeps its data. Nothing when it is stopped.
  void stop();
  // Serves again at the same endpoints, with the same data. Errors: as start(); nothing when it serves.
  [[nodiscard]] Result<void> resume();
  // Serves at the same endpoints, with no data and another epoch: what clients see when somebody wiped it.
  [[nodiscard]] Result<void> start_over();

 private:
  class Impl;
  explicit Broker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus::testing

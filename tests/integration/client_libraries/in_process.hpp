// What the tests of the client libraries against a broker in the same process share.
#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "broker/testing/broker.hpp"
#include "publisher/publisher.hpp"

namespace prismbus::test {

inline constexpr std::chrono::seconds kPatience{30};

inline std::unique_ptr<Publisher> publisher_of(const testing::Broker& broker) {
  PublisherOptions options;
  options.brokers = {broker.requests()};
  return Publisher::open(options).value();
}

// For what has no event of its own to wait on.
template <class Condition>
bool eventually(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace prismbus::test

// A publisher whose broker is a ROUTER in the test, which answers as the test says.
#pragma once

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "publisher/publisher.hpp"
#include "tests/unit/proto/transport/fake_request_door.hpp"

namespace prismbus {

struct PublisherAtDoor {
  Context context;
  FakeRequestDoor door{context};
  std::unique_ptr<Publisher> publisher;

  explicit PublisherAtDoor(const std::function<void(PublisherOptions&)>& change = {}) {
    PublisherOptions options;
    options.brokers = {door.endpoint()};
    options.write_timeout = std::chrono::seconds(10);
    if (change) change(options);
    auto opened = Publisher::open(std::move(options));
    REQUIRE(opened);
    publisher = std::move(*opened);
  }

  // Serves until `done`; false after ten seconds.
  template <class Serve, class Done>
  bool serve(Serve handle, Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      while (auto received = door.receive()) {
        if (std::holds_alternative<HelloRequest>(received->request.body)) {
          door.reply_hello(*received);
        } else {
          handle(*received);
        }
      }
      if (done()) return true;
      std::array<zmq_pollitem_t, 1> items{{{door.pollable(), 0, ZMQ_POLLIN, 0}}};
      poll_sockets(items, std::chrono::milliseconds(1));
    }
    return false;
  }
};

template <class F>
bool ready(F& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace prismbus

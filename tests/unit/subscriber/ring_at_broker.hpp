// A key ring and the broker it speaks to, on a clock that the test moves.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "subscriber/stream/key_ring.hpp"
#include "tests/unit/subscriber/sealed_broker.hpp"

namespace prismbus {

struct RingAtBroker {
  SealedBroker broker;
  KeyRing ring{7};
  Now now{Steady{std::chrono::minutes(1000) + std::chrono::seconds(10)}, {}};

  explicit RingAtBroker(std::vector<SealedBroker::Right> rights) : broker(std::move(rights)) {}
  void after(std::chrono::nanoseconds t) { now.steady += t; }
  void ask() {
    REQUIRE(ring.due(now));
    ring.asked(now);
  }
  void answer() { ring.on_reply(broker.answer(now.steady), now); }
  void join() {
    ring.on_joined(true, now);
    ask();
    answer();
  }
  // Steps to the next moment at which keys are due, and asks.
  void ask_when_due() {
    while (!ring.due(now)) {
      REQUIRE(ring.next_deadline() != Steady::max());
      now.steady = std::max(now.steady + std::chrono::nanoseconds(1), ring.next_deadline());
    }
    ring.asked(now);
  }
  FrameFate frame(const std::string& ns, const std::string& text, Lane lane = Lane::changes) {
    const auto read = ring.on_frame(lane, broker.frame(ns, text, now.steady), now);
    if (read.fate == FrameFate::opened) CHECK(read.body == text);
    return read.fate;
  }
  std::vector<std::string> opened() {
    std::vector<std::string> out;
    while (auto frame = ring.take_opened()) out.push_back(frame->ns + ":" + frame->body);
    return out;
  }
};

}  // namespace prismbus

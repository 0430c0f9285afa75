// One set of subscriptions under a clock, an executor and pictures stepped by hand.
#pragma once

#include <poll.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "subscriber/delivery/subscription_set.hpp"
#include "tests/unit/subscriber/shown_steps.hpp"

namespace prismbus {

struct SubscriptionBench {
  SubscriptionId subscribe(Subscription s) {
    if (!s.callback) {
      s.callback = [this](const SubscriptionEvent& e) {
        heard.push_back(std::string(name_of(e.kind)) + " " + std::string(e.key));
      };
    }
    return set.subscribe(std::move(s), follow).value();
  }
  void put(const std::string& key, char value) { steps.set("a", {{key, std::string(1, value)}}); }
  void run() {
    for (int i = 0; i < 100; ++i) {
      (void)steps.step(set);
      auto now_tasks = std::exchange(tasks, {});
      for (auto& task : now_tasks) task();
    }
  }
  SubscriptionStatus status() const { return set.list().front(); }
  // Whether the background thread would go on at once; it is awake then.
  bool woken() {
    pollfd item{waker->fd(), POLLIN, 0};
    if (::poll(&item, 1, 0) != 1) return false;
    waker->clear();
    return true;
  }

  Steady now{};
  std::vector<std::string> heard, logged;
  std::vector<std::function<void()>> tasks;
  const FollowSet follow = FollowSet::make({"a", "b.c"}, {"sub.tree"}).value();
  const std::shared_ptr<Waker> waker = std::make_shared<Waker>();
  SubscriptionSet set{{[this] { return now; }, waker,
                       [this](std::function<void()> task) { tasks.push_back(std::move(task)); }},
                      [this](LogLevel, std::string_view line) { logged.emplace_back(line); }};
  ShownSteps steps;
};

}  // namespace prismbus

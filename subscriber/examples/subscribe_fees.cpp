// Subscriptions in one screen: the state first and then every change of some keys, at a pace of one's own;
// what one does when the queue was too short; and counters.
//   prismbus_example_subscribe [tcp://127.0.0.1:7400] [seconds]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  SubscriberOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-subscribe";
  options.subtrees = {"example"};
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  // Callbacks of one subscription never run at the same time, so this map needs no lock.
  std::map<std::string, double> fees;
  Subscription wanted;
  wanted.name = "fees";
  wanted.subtree = "example";
  wanted.keys = "*_bps";
  wanted.where = [](const ValueView& value) { return value.as<double>().has_value(); };  // numbers only
  wanted.initial = true;
  wanted.policy = QueuePolicy::latest_only;  // a slow one hears the newest value, not every step
  wanted.callback = [&](const SubscriptionEvent& e) {
    const std::string key = std::string(e.ns) + " " + std::string(e.key);
    switch (e.kind) {
      case SubscriptionEvent::Kind::added:
      case SubscriptionEvent::Kind::changed:
        fees[key] = e.after->as<double>().value_or(0);
        std::printf("%s = %g\n", key.c_str(), fees[key]);
        break;
      case SubscriptionEvent::Kind::deleted:
        fees.erase(key);
        std::printf("%s is gone\n", key.c_str());
        break;
      case SubscriptionEvent::Kind::resync:  // the queue was full: the state follows as `added`
        fees.clear();
        break;
      default:
        break;
    }
    std::fflush(stdout);
  };
  const auto id = (*subscriber)->subscribe(wanted);
  if (!id) {
    std::fprintf(stderr, "cannot subscribe: %s\n", id.error().message.c_str());
    return 2;
  }
  std::this_thread::sleep_for(std::chrono::seconds(argc > 2 ? std::atoi(argv[2]) : 5));
  for (const SubscriptionStatus& s : (*subscriber)->subscriptions()) {
    std::printf("%s: %llu told, %llu conflated, %llu dropped, %zu waiting\n", s.name.c_str(),
                static_cast<unsigned long long>(s.delivered), static_cast<unsigned long long>(s.conflated),
                static_cast<unsigned long long>(s.dropped), s.queue_length);
  }
  // No callback runs after this, so `fees` may go.
  return (*subscriber)->unsubscribe(*id) ? 0 : 1;
}

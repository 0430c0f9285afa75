// A reading client in one screen: follow a subtree, wait until it is live, read with defaults, hear changes.
//   prismbus_example_subscriber [tcp://127.0.0.1:7400] [seconds]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  SubscriberOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-subscriber";
  options.subtrees = {"example"};
  // Callbacks run on the subscriber's own thread, in order; the view already shows what they tell.
  options.callbacks.changed = [](const ChangeEvent& e) {
    std::printf("%.*s %.*s: %g -> %g\n", static_cast<int>(e.ns.size()), e.ns.data(),
                static_cast<int>(e.key.size()), e.key.data(), e.before->as<double>().value_or(0),
                e.after->as<double>().value_or(0));
  };
  options.callbacks.state_changed = [](const StateEvent& e) {
    std::printf("%.*s is %s\n", static_cast<int>(e.ns.size()), e.ns.data(),
                std::string(name_of(e.after)).c_str());
  };
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  if (!(*subscriber)->wait_live(10s)) std::printf("not live yet; reading what there is\n");

  const int seconds = argc > 2 ? std::atoi(argv[2]) : 5;
  for (int i = 0; i < seconds; ++i) {
    {
      // One picture: no lock, no copy, consistent across keys. Take it, read, let it go.
      const View view = (*subscriber)->view();
      const double maker = view.get_or<double>("example.fees", "maker_bps", 2.0);
      const double taker = view.get_or<double>("example.fees", "taker_bps", 5.0);
      std::printf("fees: maker %g bps, taker %g bps\n", maker, taker);
    }
    std::this_thread::sleep_for(1s);
  }
  for (const auto& ns : (*subscriber)->status().namespaces) {
    std::printf("%s: %s at seq %llu, %zu keys, %llu resyncs\n", ns.ns.c_str(),
                std::string(name_of(ns.state)).c_str(), static_cast<unsigned long long>(ns.seq.value()),
                ns.keys, static_cast<unsigned long long>(ns.resyncs));
  }
  return 0;
}

// A service that starts whether a broker is there or not: memory over disk over seed, and what is too old is
// not used.
//   prismbus_example_offline BROKER CACHE_DIRECTORY [SEED_FILE]
#include <chrono>
#include <cstdio>
#include <string>

#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  if (argc < 3) {
    std::fprintf(stderr, "usage: prismbus_example_offline BROKER CACHE_DIRECTORY [SEED_FILE]\n");
    return 2;
  }
  SubscriberOptions options;
  options.brokers = {argv[1]};
  options.namespaces = {"example.fees", "example.limits"};
  options.cache.directory = argv[2];
  options.cache.preload = {"example.limits"};  // shown when open() returns; the rest follows at once
  if (argc > 3) options.seed_file = argv[3];
  // Limits older than a day are worse than none; everything else is served, with a warning after a minute.
  options.staleness = {{"example.limits", StalenessPolicy::refuse, 24h}, {"", StalenessPolicy::warn, 60s}};
  options.callbacks.grew_stale = [](const StaleEvent& e) {
    std::printf("%.*s is %lld ms old%s\n", static_cast<int>(e.ns.size()), e.ns.data(),
                static_cast<long long>(e.age.count()), e.refused ? " and refused" : "");
  };
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  if (!(*subscriber)->wait_live(2s)) {  // no broker within our patience: is there enough to begin with?
    if (auto ready = (*subscriber)->wait_readable(0ms); !ready) {
      std::fprintf(stderr, "cannot start: %s\n", ready.error().message.c_str());
      return 3;
    }
  }
  const View view = (*subscriber)->view();
  for (const std::string& ns : options.namespaces) {
    const auto shown = view.in(ns);
    std::printf("%s: %zu keys from %s\n", ns.c_str(), shown->size(),
                std::string(name_of(shown->rung())).c_str());
  }
  std::printf("maker %g bps\n", view.get_or<double>("example.fees", "maker_bps", 2.0));
  return 0;
}

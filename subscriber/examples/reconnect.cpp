// What a service sees when brokers come and go: the one in use is left when it is silent, the next of the
// list is asked, and what was missed is caught up by seq. Ends when it has caught up once.
//   prismbus_example_reconnect BROKER [BROKER...]
#include <atomic>
#include <cstdio>
#include <string>

#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  if (argc < 2) {
    std::fprintf(stderr, "usage: prismbus_example_reconnect BROKER [BROKER...]\n");
    return 2;
  }
  std::atomic<int> times_live = 0;
  SubscriberOptions options;
  options.brokers.assign(argv + 1, argv + argc);  // one at a time; those that `hello` names are tried as well
  options.client.name = "example-reconnect";
  options.namespaces = {"example.fees"};
  options.callbacks.state_changed = [&](const StateEvent& e) {
    std::printf("%s -> %s%s%.*s\n", std::string(name_of(e.before)).c_str(),
                std::string(name_of(e.after)).c_str(), e.why.empty() ? "" : ": ",
                static_cast<int>(e.why.size()), e.why.data());
    std::fflush(stdout);
    if (e.after != NamespaceState::live) return;
    ++times_live;
    times_live.notify_one();
  };
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  times_live.wait(0);
  const Seq seen = (*subscriber)->status().namespaces.front().seq;
  std::printf("at seq %llu of %s\n", static_cast<unsigned long long>(seen.value()),
              (*subscriber)->status().broker.c_str());
  std::fflush(stdout);
  times_live.wait(1);  // meanwhile the last picture stays readable
  const SubscriberStatus now = (*subscriber)->status();
  const NamespaceStatus& fees = now.namespaces.front();
  std::printf(
      "caught up from seq %llu to %llu with %llu snapshots\n", static_cast<unsigned long long>(seen.value()),
      static_cast<unsigned long long>(fees.seq.value()), static_cast<unsigned long long>(fees.resyncs));
  return 0;
}

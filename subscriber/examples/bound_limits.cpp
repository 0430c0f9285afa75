// Bound values in one screen: a switch and a set of limits that the application reads as if they were
// variables. Ends when the switch is turned off.
//   prismbus_example_handles [tcp://127.0.0.1:7400]
#include <chrono>
#include <cstdio>
#include <thread>

#include "subscriber/subscriber.hpp"

namespace {

// Defaults are what the members start with: they hold while a key is absent, or no broker was ever reached.
struct Limits {
  double max_order = 1.0;
  double max_position = 10.0;
  bool operator==(const Limits&) const = default;
};

}  // namespace

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  SubscriberOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-handles";
  options.namespaces = {"example.limits"};
  auto opened = Subscriber::open(options);
  if (!opened) {
    std::fprintf(stderr, "cannot start: %s\n", opened.error().message.c_str());
    return 2;
  }
  Subscriber& subscriber = **opened;

  // One key: parsed when it changes, read like a variable. Here the names are part of the program; with names
  // from elsewhere look at the Result that bind() gives.
  const Handle<bool> trading = subscriber.bind("example.limits", "trading", true);
  const Handle<std::string> venue = subscriber.bind("example.limits", "venue", "none");
  // Several keys that belong together: a transaction that changes both is seen whole.
  const Handle<Limits> limits = subscriber.bind_struct<Limits>(
      "example.limits",
      {field("max_order", &Limits::max_order), field("max_position", &Limits::max_position)},
      [](const Limits& before, const Limits& after) {  // on the subscriber's own thread
        std::printf("limits: order %g -> %g, position %g -> %g\n", before.max_order, after.max_order,
                    before.max_position, after.max_position);
        std::fflush(stdout);
      });

  if (!subscriber.wait_live(10s)) std::printf("not live yet; working with defaults\n");
  std::printf("start: order %g, venue %s\n", limits.get().max_order, venue.get().c_str());
  std::fflush(stdout);
  while (trading.get()) std::this_thread::sleep_for(1ms);
  const Reading<Limits> last = limits.read();
  std::printf("stopped: order %g, of revision %llu, %s\n", last.value.max_order,
              static_cast<unsigned long long>(last.meta.rev.value()),
              last.meta.present ? "complete" : "in part");
  return 0;
}

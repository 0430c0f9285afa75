// Reads of the broker in one screen, beside the live copy: what is not followed, what was, who changed it.
//   prismbus_example_reads [tcp://127.0.0.1:7400]
#include <cstdio>

#include "proto/client/value_of.hpp"
#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  SubscriberOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-reads";
  options.namespaces = {"example.fees"};
  options.read_timeout = 5s;
  auto opened = Subscriber::open(options);
  if (!opened) {
    std::fprintf(stderr, "cannot start: %s\n", opened.error().message.c_str());
    return 2;
  }
  Subscriber& subscriber = **opened;
  BrokerReads& broker = subscriber.broker();

  // A namespace this service does not follow, with a default for what is not there.
  const auto most = value_or(broker.get("example.limits", "max_order").get(), 1000);
  if (!most) {
    std::fprintf(stderr, "get: %s\n", most.error().message.c_str());
    return 1;
  }
  std::printf("max_order %d\n", *most);

  // Many at once; the futures of several calls may be open together.
  auto both = broker.mget("example.fees", {"maker_bps", "taker_bps"});
  ListCall list;
  list.ns = "example";
  list.subtree = true;
  list.glob = "*_bps";
  const auto listed = broker.list(list).get();
  if (const auto many = both.get(); many && listed) {
    for (const auto& entry : many->value) {
      if (entry)
        std::printf("%s version %llu\n", entry->key.c_str(), static_cast<unsigned long long>(entry->version));
    }
    std::printf("%zu keys match\n", listed->value.size());
  }

  // What was: the versions of a key, and the value at the oldest of them.
  HistoryCall history;
  history.ns = "example.fees";
  history.key = "maker_bps";
  const auto versions = broker.history(history).get();
  if (!versions || versions->value.versions.empty()) {
    std::fprintf(stderr, "no history\n");
    return 1;
  }
  ReadCall then;
  then.at = versions->value.versions.back().rev;
  const auto before = value_of<double>(broker.get("example.fees", "maker_bps", then).get());
  if (!before) {
    std::fprintf(stderr, "as of: %s\n", before.error().message.c_str());
    return 1;
  }
  std::printf("maker_bps has %zu versions, began at %g\n", versions->value.versions.size(), *before);

  // The copy and the broker: a read that is not older than what the view shows.
  if (!subscriber.wait_live(10s)) return 1;
  const View view = subscriber.view();
  ReadCall not_older;
  not_older.min_rev = view.in("example.fees")->rev();
  const auto newest = value_of<double>(broker.get("example.fees", "maker_bps", not_older).get());
  std::printf("view %g, broker %g\n", view.get_or("example.fees", "maker_bps", 0.0), newest.value_or(0.0));
  return 0;
}

// A writing client in one screen: a put, a compare-and-set, a transaction.
//   prismbus_example_publisher [tcp://127.0.0.1:7400]
#include <cstdio>
#include <string>

#include "publisher/publisher.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  PublisherOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-publisher";
  options.write_timeout = std::chrono::seconds(10);
  auto publisher = Publisher::open(options);
  if (!publisher) {
    std::fprintf(stderr, "cannot start: %s\n", publisher.error().message.c_str());
    return 2;
  }
  Publisher& bus = **publisher;

  // Every put is durable when its future is ready. Many may be in flight: keep the futures, look at them
  // later.
  const auto put = bus.put("example.fees", "maker_bps", 1.5).get();
  if (!put) {
    std::fprintf(stderr, "put: %s\n", put.error().message.c_str());
    return 1;
  }
  std::printf("maker_bps is revision %llu, seq %llu, version %llu\n",
              static_cast<unsigned long long>(put->rev.value()),
              static_cast<unsigned long long>(put->seq.value()),
              static_cast<unsigned long long>(put->version));

  // Compare and set: only if nobody changed it since that revision.
  WriteCall only_if;
  only_if.if_rev = put->rev;
  only_if.note = "raised by the example";
  const auto raised = bus.put("example.fees", "maker_bps", 1.75, only_if).get();
  const auto again = bus.put("example.fees", "maker_bps", 2.0, only_if).get();
  std::printf("first raise: %s, second with the old revision: %s\n", raised ? "done" : "refused",
              again ? "done" : std::string(error_row(again.error().code).name).c_str());

  // Several changes, one revision, all or nothing.
  Transaction change;
  change.put("example.fees", "taker_bps", 4.0).put("example.limits", "max_order", 1000).note("new tier");
  const auto committed = bus.commit(change).get();
  if (!committed) {
    std::fprintf(stderr, "commit: %s\n", committed.error().message.c_str());
    return 1;
  }
  for (const auto& [ns, seq] : committed->seqs) {
    std::printf("%s is at seq %llu\n", ns.c_str(), static_cast<unsigned long long>(seq.value()));
  }
  return 0;
}

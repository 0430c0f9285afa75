// Write, then learn who has it: waits until everybody who follows the namespace applied the change, and
// prints who refused it and who is silent.
//   prismbus_example_wait_applied [tcp://127.0.0.1:7400]
#include <cstdio>

#include "publisher/publisher.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  PublisherOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-wait-applied";
  options.write_timeout = std::chrono::seconds(10);
  auto publisher = Publisher::open(options);
  if (!publisher) {
    std::fprintf(stderr, "cannot start: %s\n", publisher.error().message.c_str());
    return 2;
  }
  const auto put = (*publisher)->put("example.fees", "maker_bps", 1.5).get();
  if (!put) {
    std::fprintf(stderr, "put: %s\n", put.error().message.c_str());
    return 1;
  }
  const auto waited = (*publisher)->wait_applied("example.fees", put->seq, std::chrono::seconds(2)).get();
  if (!waited) {
    std::fprintf(stderr, "wait: %s\n", waited.error().message.c_str());
    return 1;
  }
  const WaitAppliedReply& who = waited->value;
  std::printf("seq %llu: %zu applied, %zu rejected, %zu silent\n",
              static_cast<unsigned long long>(put->seq.value()), who.applied.size(), who.rejected.size(),
              who.silent.size());
  for (const auto& why : who.reasons)
    std::printf("%s refused %s: %s\n", why.instance.c_str(), why.key.c_str(), why.reason.c_str());
  for (const auto& instance : who.silent) std::printf("%s is silent\n", instance.c_str());
  return 0;
}

// A service that writes through an outbox until it is killed: numbers from FIRST on, key after key. One line
// for each write that was acknowledged: its number, and `queued` or `applied`.
//   outbox_writer BROKER DIRECTORY FIRST
#include <cstdio>
#include <cstdlib>
#include <string>

#include "publisher/publisher.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  if (argc != 4) return 2;
  PublisherOptions options;
  options.brokers = {argv[1]};
  options.outbox.directory = argv[2];
  options.outbox.after = std::chrono::milliseconds(100);
  auto publisher = Publisher::open(std::move(options));
  if (!publisher) {
    std::fprintf(stderr, "%s\n", publisher.error().message.c_str());
    return 1;
  }
  for (int i = std::atoi(argv[3]);; ++i) {
    const auto outcome = (*publisher)->put("spool.test", "k" + std::to_string(i % 3), i).get();
    if (!outcome) return 1;
    std::printf("%d %s\n", i, outcome->queued ? "queued" : "applied");
    std::fflush(stdout);
  }
}

// A writing client with many small values: puts called within a millisecond leave as one transaction, and
// each still has its own answer.
//   prismbus_example_coalesce [tcp://127.0.0.1:7400 [PUTS]]
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "publisher/publisher.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  PublisherOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  const int puts = argc > 2 ? std::atoi(argv[2]) : 1000;
  options.client.name = "example-coalesce";
  options.coalesce_window = 1ms;  // the most a put waits for others
  auto publisher = Publisher::open(options);
  if (!publisher) {
    std::fprintf(stderr, "cannot start: %s\n", publisher.error().message.c_str());
    return 2;
  }
  std::vector<Publisher::Future<WriteOutcome>> answers;
  for (int i = 0; i < puts; ++i) {
    answers.push_back((*publisher)->put("example.ticks", "SYM" + std::to_string(i), 0.01 * (i + 1)));
  }
  // Nothing is held back while somebody waits in flush(), and a write of another kind would send it too.
  if (!(*publisher)->flush(10s)) {
    std::fprintf(stderr, "no answer in time\n");
    return 1;
  }
  std::set<Revision> revisions;  // those that left together share one
  for (auto& answer : answers) {
    const auto outcome = answer.get();
    if (!outcome) {
      std::fprintf(stderr, "put: %s\n", outcome.error().message.c_str());
      return 1;
    }
    revisions.insert(outcome->rev);
  }
  std::printf("%d puts in %zu transactions\n", puts, revisions.size());
  return 0;
}

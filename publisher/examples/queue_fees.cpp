// A writing client that does not wait for a broker: what it cannot deliver goes into an outbox on disk and is
// applied when a broker answers, in the order of the calls, also by the next process that opens the outbox.
//   prismbus_example_outbox [tcp://127.0.0.1:7400 [DIRECTORY]]
#include <cstdio>
#include <string>
#include <thread>

#include "publisher/publisher.hpp"

namespace {

const char* word_of(prismbus::OutboxOutcome::Kind kind) {
  using Kind = prismbus::OutboxOutcome::Kind;
  switch (kind) {
    case Kind::applied:
      return "applied";
    case Kind::merged:
      return "merged";
    case Kind::superseded:
      return "superseded";
    case Kind::rejected:
      break;
  }
  return "rejected";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace prismbus;
  PublisherOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-outbox";
  options.outbox.directory = argc > 2 ? argv[2] : "outbox";
  options.outbox.after = std::chrono::milliseconds(200);
  // What somebody else changed meanwhile is merged key by key; where both changed the same leaf, ours is
  // taken.
  options.outbox.policy = ConflictPolicy::merge;
  options.outbox.on_leaf = [](const LeafConflict&) { return LeafChoice{LeafChoice::Take::ours, {}}; };
  // Runs on the publisher's thread. True: seen, the outbox may forget it.
  options.outbox.on_outcome = [](const OutboxOutcome& outcome) {
    std::printf("write %llu %s%s%s\n", static_cast<unsigned long long>(outcome.id), word_of(outcome.kind),
                outcome.message.empty() ? "" : ": ", outcome.message.c_str());
    return outcome.kind == OutboxOutcome::Kind::applied;  // the others stay listed: prismbus outbox DIRECTORY
  };
  auto publisher = Publisher::open(options);
  if (!publisher) {
    std::fprintf(stderr, "cannot start: %s\n", publisher.error().message.c_str());
    return 2;
  }
  for (const char* symbol : {"BTC-USDT", "ETH-USDT"}) {
    const auto outcome = (*publisher)->put("example.fees", symbol, 1.5).get();
    if (!outcome) {
      std::fprintf(stderr, "put: %s\n", outcome.error().message.c_str());
      return 1;
    }
    if (outcome->queued) {
      std::printf("%s is durable here, as write %llu\n", symbol,
                  static_cast<unsigned long long>(*outcome->queued));
    } else {
      std::printf("%s is revision %llu\n", symbol, static_cast<unsigned long long>(outcome->rev.value()));
    }
  }
  // A service runs on; this program gives a broker two seconds to take them.
  auto listing = (*publisher)->outbox().get();
  for (int i = 0; i < 100 && listing && !listing->pending.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    listing = (*publisher)->outbox().get();
  }
  if (listing) std::printf("%zu writes wait for a broker\n", listing->pending.size());
  return 0;
}

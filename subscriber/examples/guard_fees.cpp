// A reading client with rules of its own: fees that make no sense are not shown to its readers. The broker
// learns why, so `prismbus put --wait-applied` and `prismbus subscribers` do. Ends when example.fees/trading
// is false.
//   prismbus_example_guard [tcp://127.0.0.1:7400]
#include <chrono>
#include <cstdio>
#include <future>
#include <optional>
#include <string>

#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  SubscriberOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-guard";
  options.client.instance = "guard-1";
  options.namespaces = {"example.fees"};
  options.validators.push_back(
      {"fees", "example.fees", {}, "*_bps", [](const ProposedChange& change) -> std::optional<std::string> {
         if (!change.after) return "a fee is not deleted";  // readers go on with the last one
         const auto bps = change.after->as<double>();
         if (!bps) return "a fee is a number";
         if (*bps < -5 || *bps > 50) return "a fee lies between -5 and 50 bps";
         return std::nullopt;
       }});
  std::promise<void> over;
  // A transaction is shown whole or not at all: the fees here always go together.
  options.callbacks.namespace_changed = [&](const NamespaceEvent& e) {
    std::printf("seq %llu: %zu changes shown\n", static_cast<unsigned long long>(e.seq.value()), e.changes);
    std::fflush(stdout);
  };
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  const auto trading = (*subscriber)->bind("example.fees", "trading", true, [&](const bool&, const bool& on) {
    if (!on) over.set_value();
  });
  if (!trading) {
    std::fprintf(stderr, "cannot bind: %s\n", trading.error().message.c_str());
    return 2;
  }
  over.get_future().wait();
  for (const NamespaceStatus& ns : (*subscriber)->status().namespaces) {
    for (const RejectedChange& change : ns.rejected) {
      std::printf("refused: %s of seq %llu: %s\n", change.key.c_str(),
                  static_cast<unsigned long long>(change.seq.value()), change.reason.c_str());
    }
  }
  const View view = (*subscriber)->view();
  std::printf("fees: maker %g bps, taker %g bps\n", view.get_or<double>("example.fees", "maker_bps", 2.0),
              view.get_or<double>("example.fees", "taker_bps", 5.0));
  return 0;
}

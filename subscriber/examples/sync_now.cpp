// Catching up on demand: a job that must not start on old fees asks for what is new and waits until it is
// shown; an operator's button takes everything anew. Prints how, and what is remembered of it. Ends with 1
// when the job would be on old fees.
//   prismbus_example_sync [tcp://127.0.0.1:7400]
#include <chrono>
#include <cstdio>
#include <string>

#include "subscriber/subscriber.hpp"

using namespace prismbus;

namespace {

constexpr std::chrono::seconds kPatience{5};

void print(const char* what, const Result<SyncReport>& report) {
  if (!report) {
    const auto wait = report.error().retry_after_ms;
    std::printf("%s: %s%s\n", what, report.error().message.c_str(), wait ? " (again later)" : "");
    return;
  }
  for (const NamespaceSync& ns : report->namespaces) {
    std::printf("%s: %s by %s, seq %llu -> %llu, %llu events, %llu bytes%s%s\n", what, ns.ns.c_str(),
                std::string(name_of(ns.how)).c_str(), static_cast<unsigned long long>(ns.before.value()),
                static_cast<unsigned long long>(ns.after.value()), static_cast<unsigned long long>(ns.events),
                static_cast<unsigned long long>(ns.bytes), ns.error ? ": " : "",
                ns.error ? ns.error->message.c_str() : "");
  }
}

}  // namespace

int main(int argc, char** argv) {
  SubscriberOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.client.name = "example-sync";
  options.namespaces = {"example.fees"};
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  if (!(*subscriber)->wait_live(kPatience)) std::printf("not live yet; syncing all the same\n");
  // Everything that was committed before this call is in the view when it is answered.
  const auto caught_up = (*subscriber)->incremental_sync(kPatience).get();
  print("incremental", caught_up);
  print("selective", (*subscriber)->selective_sync({"example.fees.old"}, kPatience).get());
  print("full", (*subscriber)->full_sync(kPatience).get());
  print("full", (*subscriber)->full_sync(kPatience).get());  // not at once again
  for (const SyncRecord& record : (*subscriber)->status().history) {
    std::printf("history: %s %s: %s\n", record.sync.ns.c_str(), record.why.c_str(),
                record.sync.error ? record.sync.error->message.c_str()
                                  : std::string(name_of(record.sync.how)).c_str());
  }
  return caught_up && caught_up->complete() ? 0 : 1;
}

// A subscriber whose picture a test can ask for: follows one namespace and, for every line on standard input,
// prints as one line of JSON what it shows and whether a history ever went on without a resync.
//   subscriber_probe ENDPOINT NAMESPACE
#include <atomic>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "subscriber/subscriber.hpp"

namespace {

using namespace prismbus;

std::string hex(std::string_view bytes) {
  std::string out;
  char digits[3];
  for (const char c : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += digits;
  }
  return out;
}

// Heard on the subscriber's thread: a change that came without a resync belongs to the history of the last
// one.
struct Continuity {
  std::atomic<Subscriber*> subscriber{nullptr};
  std::atomic<std::uint64_t> resyncs{0}, silent{0};
  Epoch epoch;

  void hear(const NamespaceEvent& event) {
    const Subscriber* const shown = subscriber.load();
    if (event.resync) ++resyncs;
    if (shown == nullptr) return;
    const Epoch now = shown->view().epoch();
    if (!event.resync && epoch != Epoch(0) && now != epoch) ++silent;
    epoch = now;
  }
};

void print(const Subscriber& subscriber, const std::string& ns, const Continuity& continuity) {
  const View view = subscriber.view();
  const auto shown = view.in(ns);
  std::map<std::string, std::string> entries;
  if (shown) {
    shown->for_each([&entries](std::string_view key, const ValueView& value) {
      entries.emplace(std::string(key), hex(value.bytes));
    });
  }
  std::string out = "{\"epoch\":" + std::to_string(view.epoch().value());
  out += ",\"seq\":" + std::to_string(shown ? shown->seq().value() : 0);
  out += ",\"hash\":" + std::to_string(shown ? shown->hash() : 0);
  out += ",\"resyncs\":" + std::to_string(continuity.resyncs.load());
  out += ",\"silent\":" + std::to_string(continuity.silent.load());
  out += ",\"live\":" + std::string(shown && shown->state() == NamespaceState::live ? "true" : "false");
  out += ",\"entries\":{";
  for (const auto& [key, value] : entries) {
    if (out.back() != '{') out += ',';
    out.append("\"").append(key).append("\":\"").append(value).append("\"");
  }
  std::cout << out << "}}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Continuity continuity;
  SubscriberOptions options;
  options.brokers = {argv[1]};
  options.namespaces = {argv[2]};
  options.client.name = "probe";
  options.callbacks.namespace_changed = [&continuity](const NamespaceEvent& event) {
    continuity.hear(event);
  };
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::cerr << subscriber.error().message << '\n';
    return 1;
  }
  continuity.subscriber = subscriber->get();
  for (std::string line; std::getline(std::cin, line);) print(**subscriber, argv[2], continuity);
  (*subscriber)->stop();
  return 0;
}

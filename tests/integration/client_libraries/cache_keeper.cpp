// A service that follows one namespace with a cache that it shares with others, until its input ends. A line
// whenever something moved: whether it writes the cache, the seq it shows, its rung, and what it has written.
//   cache_keeper BROKER DIRECTORY KEY_FILE NAMESPACE        (KEY_FILE may be empty)
#include <poll.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "subscriber/subscriber.hpp"

namespace {

std::string line_of(const prismbus::Subscriber& subscriber, const std::string& ns) {
  const prismbus::SubscriberStatus status = subscriber.status();
  const prismbus::View view = subscriber.view();
  const auto shown = view.in(ns);
  return std::string(status.cache.writer ? "writer " : "reader ") +
         std::to_string(shown ? shown->seq().value() : 0) + " " +
         (shown ? std::string(name_of(shown->rung())) : "nothing") + " " +
         std::to_string(status.cache.pictures + status.cache.steps);
}

bool input_ended() {
  pollfd input{0, POLLIN | POLLHUP, 0};
  return ::poll(&input, 1, 10) > 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace prismbus;
  if (argc != 5) return 2;
  SubscriberOptions options;
  options.brokers = {argv[1]};
  options.namespaces = {argv[4]};
  options.cache.directory = argv[2];
  options.cache.key_file = argv[3];
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {
    std::fprintf(stderr, "%s\n", subscriber.error().message.c_str());
    return 1;
  }
  std::string told;
  do {
    std::string line = line_of(**subscriber, options.namespaces.front());
    if (line == told) continue;
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    told = std::move(line);
  } while (!input_ended());
  return 0;
}

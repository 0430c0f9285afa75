// Replay in one screen: what a namespace was an hour ago, and every change since then, in step with time but
// sixty times as fast.
//   prismbus_example_replay [tcp://127.0.0.1:7400] [namespace]
#include <chrono>
#include <cstdio>

#include "subscriber/replay.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  ReplayOptions options;
  if (argc > 1) options.brokers = {argv[1]};
  options.ns = argc > 2 ? argv[2] : "example.fees";
  options.from = read_clock().wall - std::chrono::hours(1);
  auto replay = Replay::open(options);
  if (!replay) {
    std::fprintf(stderr, "cannot replay: %s\n", replay.error().message.c_str());
    return 2;
  }
  ReplayedState state;
  if (auto read = (*replay)->picture([&](const Entry& entry) { state.put(entry); }); !read) {
    std::fprintf(stderr, "no picture: %s\n", read.error().message.c_str());
    return 1;
  }
  std::printf("%zu keys at revision %llu\n", state.entries().size(),
              static_cast<unsigned long long>((*replay)->from().value()));
  ReplayPace pace(60);
  for (;;) {
    const auto set = (*replay)->next();
    if (!set) {
      std::fprintf(stderr, "cut short: %s\n", set.error().message.c_str());
      return 1;
    }
    if (!*set) break;
    pace.await(**set);
    state.apply(**set);
    std::printf("revision %llu, by %s: %zu changes\n",
                static_cast<unsigned long long>((*set)->set.rev.value()), (*set)->set.by.c_str(),
                (*set)->set.changes.size());
  }
  std::printf("%zu keys at revision %llu\n", state.entries().size(),
              static_cast<unsigned long long>((*replay)->to().value()));
}

// A service that keeps what it follows on disk, encrypted: whoever gets hold of the disk without the key
// reads nothing. The key file is made once: (umask 077; openssl rand -hex 32 > cache.key)
//   prismbus_example_encrypted BROKER CACHE_DIRECTORY KEY_FILE
#include <chrono>
#include <cstdio>

#include "subscriber/subscriber.hpp"

int main(int argc, char** argv) {
  using namespace prismbus;
  using namespace std::chrono_literals;
  if (argc != 4) {
    std::fprintf(stderr, "usage: prismbus_example_encrypted BROKER CACHE_DIRECTORY KEY_FILE\n");
    return 2;
  }
  SubscriberOptions options;
  options.brokers = {argv[1]};
  options.namespaces = {"example.accounts"};
  options.cache.directory = argv[2];
  options.cache.key_file = argv[3];
  options.log = [](LogLevel level, std::string_view line) {  // what of the cache could not be used, and why
    if (level != LogLevel::warn) return;
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  auto subscriber = Subscriber::open(options);
  if (!subscriber) {  // a key that others can read, for one
    std::fprintf(stderr, "cannot start: %s\n", subscriber.error().message.c_str());
    return 2;
  }
  if (!(*subscriber)->wait_live(2s)) {
    if (auto ready = (*subscriber)->readable("example.accounts"); !ready) {
      std::fprintf(stderr, "cannot start: %s\n", ready.error().message.c_str());
      return 3;
    }
  }
  const View view = (*subscriber)->view();
  std::printf("login %s from %s\n", view.get_or<std::string>("example.accounts", "login", "-").c_str(),
              std::string(name_of(view.in("example.accounts")->rung())).c_str());
  return 0;
}

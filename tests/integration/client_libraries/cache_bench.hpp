// What the tests of a subscriber with a cache share: a broker's writer, options with a directory of their
// own, and a look at the disk.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/in_process.hpp"

namespace prismbus::test {

// What a subscriber logs, from whichever of its threads.
class LogLines {
 public:
  LogSink sink() {
    return [this](LogLevel, std::string_view line) {
      const std::lock_guard lock(mutex_);
      (text_ += line) += '\n';
    };
  }
  bool has(std::string_view words) const {
    const std::lock_guard lock(mutex_);
    return text_.find(words) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

using namespace std::chrono_literals;

struct Scratch {
  Scratch() : path((std::filesystem::temp_directory_path() / "prismbus-cache-XXXXXX").string()) {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string path;
};

inline Seq put(Publisher& publisher, const std::string& ns, const std::string& key, std::uint64_t value) {
  const auto done = publisher.put(ns, key, value).get();
  REQUIRE(done);
  return done->seq;
}

inline SubscriberOptions options_of(const testing::Broker& broker, const Scratch& scratch) {
  SubscriberOptions options;
  options.brokers = {broker.requests()};
  options.namespaces = {"fees", "limits"};
  options.cache.directory = scratch.path + "/cache";
  return options;
}

// A key file that holds the digit `digit` 64 times.
inline std::string key_file(const Scratch& scratch, char digit) {
  std::string path = scratch.path + "/key-" + digit;
  std::ofstream(path) << std::string(64, digit) << "\n";
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return path;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whether any file of the cache holds `word`.
inline bool on_disk(const Scratch& scratch, const std::string& word) {
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path + "/cache")) {
    if (slurp(entry.path()).find(word) != std::string::npos) return true;
  }
  return false;
}

// Lives until everything is live and the cache holds it; its end writes what is left.
inline void run_once(const SubscriberOptions& options) {
  auto subscriber = Subscriber::open(options).value();
  REQUIRE(subscriber->wait_live(kPatience));
}

inline NamespaceStatus status_of(const Subscriber& subscriber, const std::string& ns) {
  const auto status = subscriber.status();
  return *std::find_if(status.namespaces.begin(), status.namespaces.end(),
                       [&](const auto& n) { return n.ns == ns; });
}

}  // namespace prismbus::test

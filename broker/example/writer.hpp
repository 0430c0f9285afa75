// The writing side of the main job: replays a change log as transactions and updates two namespaces beside
// it, keeping account of what was acknowledged. Writes go on while the broker is away; the publisher repeats
// them by request id.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/example/change_log.hpp"
#include "publisher/publisher.hpp"

namespace prismbus::example {

struct Plan {
  std::string log_ns;   // the log is replayed here
  std::string live_ns;  // updates beside it, in a namespace that was imported
  std::string root;     // a transaction over `live_ns` and `<root>.session` with each set of the log
};

class Writer {
 public:
  static constexpr int kPutsASet = 12;

  Writer(Publisher& publisher, Plan plan) : publisher_(publisher), plan_(std::move(plan)) {}

  // Calls the writes that go with one set of the log; does not wait for their answers.
  void write(const LoggedSet& set, std::size_t number);

  struct Count {
    std::uint64_t called = 0, acknowledged = 0;
    std::vector<std::string> failures;
  };
  [[nodiscard]] Count count() const;
  // What the broker has to hold of what was written here, recomputed without it: (ns, key) -> value bytes.
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, std::string>& expected() const {
    return expected_;
  }
  // Keys that were removed and not put again.
  [[nodiscard]] bool must_be_gone(const std::string& ns, const std::string& key) const;

 private:
  Publisher::WriteCallback answer_to(std::string what);
  void remember(const Transaction& transaction);

  Publisher& publisher_;
  const Plan plan_;
  std::map<std::pair<std::string, std::string>, std::string> expected_;
  std::map<std::pair<std::string, std::string>, bool> removed_;
  mutable std::mutex mutex_;  // of count_: answers come on the publisher's thread
  Count count_;
};

}  // namespace prismbus::example

// The proof at the end of the main job: each copy a subscriber holds against a fresh `list` of the broker,
// and the broker against a recomputation from what was written.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "broker/example/writer.hpp"
#include "publisher/publisher.hpp"
#include "subscriber/subscriber.hpp"

namespace prismbus::example {

struct NamedSubscriber {
  std::string name;
  Subscriber* subscriber = nullptr;
};

struct Verdict {
  std::size_t copies = 0, equal = 0;  // namespaces held by a subscriber; of them equal to the broker
  std::size_t namespaces = 0, values = 0;
  std::vector<std::string> differences;  // everything that is not as it must be, a line each
};

// Prints a line for each copy. No write may be in flight.
[[nodiscard]] Verdict prove(Publisher& publisher, const std::string& root,
                            const std::vector<NamedSubscriber>& subscribers, const Writer& writer);

}  // namespace prismbus::example

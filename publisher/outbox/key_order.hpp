// Writes of one key leave one after another, in the order of the calls; a transaction waits for every key it
// touches. Without it a repeated write could overtake a later one of the same key. Pure, one thread. Keys are
// told apart by hash: two that collide wait for each other needlessly, never wrongly.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace prismbus {

// Stands for a key. For a whole namespace: of the key "", which no write has.
[[nodiscard]] std::uint64_t order_key(std::string_view ns, std::string_view key);

// What KeyOrder keeps in each write.
struct Ordered {
  std::vector<std::uint64_t> order_keys;  // no duplicates
  std::vector<Ordered*> followers;        // writes that wait for this one
  std::uint32_t blocked = 0;              // writes this one waits for
};

class KeyOrder {
 public:
  // True when `write` may leave now; otherwise a leave() will free it. It stays where it is until its own
  // leave().
  [[nodiscard]] bool enter(Ordered& write);
  // `write` has its final answer: those it alone held back are appended to `freed`.
  void leave(Ordered& write, std::vector<Ordered*>& freed);
  [[nodiscard]] bool empty() const { return last_.empty(); }

 private:
  std::unordered_map<std::uint64_t, Ordered*> last_;  // the youngest write of each key
};

}  // namespace prismbus

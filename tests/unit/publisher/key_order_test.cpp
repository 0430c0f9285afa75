// Writes of one key leave in order, transactions wait for all of their keys.
#include "publisher/outbox/key_order.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <random>

using namespace prismbus;

TEST_CASE("a write waits for the one before it of the same key") {
  KeyOrder order;
  Ordered a, b, c, other;
  a.order_keys = b.order_keys = c.order_keys = {1};
  other.order_keys = {2};
  CHECK(order.enter(a));
  CHECK_FALSE(order.enter(b));
  CHECK_FALSE(order.enter(c));
  CHECK(order.enter(other));
  std::vector<Ordered*> freed;
  order.leave(a, freed);
  CHECK(freed == std::vector<Ordered*>{&b});
  freed.clear();
  order.leave(b, freed);
  CHECK(freed == std::vector<Ordered*>{&c});
}

TEST_CASE("random transactions: each key sees the calls' order, and all of them leave") {
  std::mt19937_64 random(11);
  KeyOrder order;
  std::vector<std::unique_ptr<Ordered>> all;
  std::map<std::uint64_t, std::vector<Ordered*>> entered, left;
  std::vector<Ordered*> ready;
  std::size_t done = 0;
  while (done < 5000) {
    if (all.size() < 5000 && (ready.empty() || random() % 2 == 0)) {
      all.push_back(std::make_unique<Ordered>());
      for (std::uint64_t k = 0; k < 10; ++k) {
        if (random() % 6 == 0) all.back()->order_keys.push_back(k);
      }
      for (const auto key : all.back()->order_keys) entered[key].push_back(all.back().get());
      if (order.enter(*all.back())) ready.push_back(all.back().get());
    } else {
      REQUIRE_FALSE(ready.empty());
      const std::size_t at = random() % ready.size();
      Ordered* write = ready[at];
      ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(at));
      for (const auto key : write->order_keys) left[key].push_back(write);
      order.leave(*write, ready);
      ++done;
    }
  }
  CHECK(entered == left);
  CHECK(order.empty());
}

// Handles read on threads while the background thread's part goes on: never torn, never older than before.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "tests/unit/subscriber/bound_namespace.hpp"

using namespace prismbus;
using Put = BoundNamespace;

namespace {

struct Pair {
  std::uint64_t a = 0, b = 0;
  std::string text;
};

std::vector<Field<Pair>> pair_fields() {
  return {field("a", &Pair::a), field("b", &Pair::b), field("text", &Pair::text)};
}

std::string long_text(std::uint64_t number) {
  return "a text that is too long for the string itself " + std::to_string(number);
}

}  // namespace

TEST_CASE("readers of handles see whole transactions of a struct, and nothing older than before (I11)") {
  BoundNamespace n;
  const Handle<std::uint64_t> a = n.bind("a", std::uint64_t{0});
  const Handle<std::string> text = n.bind("text", long_text(0));
  const Handle<Pair> pair = n.bind_fields<Pair>("n", pair_fields(), Pair{0, 0, long_text(0)});
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0}, torn{0}, backwards{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, own = pair] {
      std::uint64_t last_a = 0, last_pair = 0, last_rev = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        const std::uint64_t now_a = a.get();
        const Pair now = own.get();
        const Reading<std::uint64_t> with_meta = a.read();
        if (now.a != now.b || now.text != long_text(now.a)) torn.fetch_add(1);
        if (with_meta.meta.rev.value() != with_meta.value * 10) torn.fetch_add(1);
        if (text.with([](const std::string& now_text) { return now_text.substr(0, 6); }) != "a text")
          torn.fetch_add(1);
        if (now_a < last_a || now.a < last_pair || with_meta.meta.rev.value() < last_rev) {
          backwards.fetch_add(1);
        }
        last_a = now_a;
        last_pair = now.a;
        last_rev = with_meta.meta.rev.value();
        reads.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (std::uint64_t i = 1; i < 3000; ++i) {
    n.write({Put::put("a", i), Put::put("b", i), Put::put("text", long_text(i))});
  }
  while (reads.load() < 1000) std::this_thread::yield();
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK(torn == 0);
  CHECK(backwards == 0);
  n.step({});
  CHECK(n.bindings.memory()->waiting() == 0);
}

TEST_CASE("handles are bound, copied and let go on threads while their keys change") {
  BoundNamespace n;
  std::atomic<std::uint64_t> binding{3}, wrong{0};
  std::vector<std::thread> binders;
  for (int t = 0; t < 3; ++t) {
    binders.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        auto a = n.bind("a", std::uint64_t{0}, [&](std::uint64_t before, std::uint64_t after) {
          if (before >= after) wrong.fetch_add(1);
        });
        auto text = n.bind("text", long_text(0));
        if (!a || !text) {
          wrong.fetch_add(1);
          continue;
        }
        const Handle<std::uint64_t> copy = *a;
        const std::uint64_t first = a->get();
        if (copy.get() < first || text->get().empty()) wrong.fetch_add(1);
      }
      binding.fetch_sub(1);
    });
  }
  std::uint64_t i = 0;
  while (binding.load() != 0 || i < 100) {
    ++i;
    n.write({Put::put("a", i), Put::put("text", long_text(i))});
  }
  for (auto& binder : binders) binder.join();
  n.step({});
  CHECK(wrong == 0);
}

TEST_CASE("who lets the last copy of a handle go waits for its hook under way, and it never runs again") {
  using namespace std::chrono_literals;
  BoundNamespace n;
  std::atomic<bool> inside{false}, over{false}, gone{false}, waited{false};
  std::atomic<int> told{0};
  std::optional<Handle<int>> handle;
  handle.emplace(n.bind("k", 0, [&](int, int) {
    ++told;
    inside = true;
    // Long enough for one who does not wait to be gone.
    const auto end = std::chrono::steady_clock::now() + 100ms;
    while (!gone && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    over = true;
  }));
  std::thread owner([&] {
    while (!inside) std::this_thread::yield();
    handle.reset();
    waited = over.load();
    gone = true;
  });
  n.write({Put::put("k", 1)});
  owner.join();
  CHECK(waited);
  n.write({Put::put("k", 2)});
  CHECK(told == 1);
}

TEST_CASE("hooks never see the owner of their handle destroyed, however both race") {
  struct Owner {
    explicit Owner(BoundNamespace& n)
        : handle(
              n.bind("k", std::uint64_t{0}, [this](std::uint64_t, std::uint64_t after) { seen = after; })) {}
    std::uint64_t seen = 0;
    Handle<std::uint64_t> handle;
  };
  BoundNamespace n;
  std::atomic<int> owners{3};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const auto owner = std::make_unique<Owner>(n);
        const std::uint64_t first = owner->handle.get();
        for (int look = 0; look < 50 && owner->handle.get() == first; ++look) std::this_thread::yield();
      }
      owners.fetch_sub(1);
    });
  }
  for (std::uint64_t i = 1; owners.load() != 0; ++i) n.write({Put::put("k", i)});
  for (auto& thread : threads) thread.join();
  n.step({});
  CHECK(n.bindings.exceptions() == 0);
}

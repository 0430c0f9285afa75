// Reads of views and handles allocate nothing: every way to the heap is counted (operator new here, malloc
// and its like by --wrap of the linker).
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <new>

#include "tests/unit/subscriber/bound_namespace.hpp"

namespace {
// Volatile: the compiler knows what malloc does not change.
thread_local volatile std::uint64_t allocations = 0;
}  // namespace

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t n, std::size_t size);
void* __real_realloc(void* block, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void* __wrap_malloc(std::size_t size) {
  allocations = allocations + 1;
  return __real_malloc(size);
}
void* __wrap_calloc(std::size_t n, std::size_t size) {
  allocations = allocations + 1;
  return __real_calloc(n, size);
}
void* __wrap_realloc(void* block, std::size_t size) {
  allocations = allocations + 1;
  return __real_realloc(block, size);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  allocations = allocations + 1;
  return __real_aligned_alloc(alignment, size);
}
}

// Not inlined: the compiler would take new and free for a pair that does not match.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

using namespace prismbus;
using Put = BoundNamespace;

namespace {

struct Limits {
  double max_order = 10;
  std::int64_t max_open = 5;
};

template <class Read>
std::uint64_t allocations_of(Read&& read) {
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) read();
  return allocations - before;
}

}  // namespace

TEST_CASE("reads of views and handles allocate nothing") {
  BoundNamespace n;
  const std::string text(200, 't');
  for (int i = 0; i < 2000; ++i) n.write({Put::put("k" + std::to_string(i), i), Put::put("text", text)});
  const Handle<int> number = n.bind("k7", 0);
  const Handle<std::string> name = n.bind("text", std::string());
  const Handle<Limits> limits =
      n.bind_fields<Limits>("n", {field("k3", &Limits::max_order), field("k4", &Limits::max_open)}, Limits{});
  n.step({});
  REQUIRE(allocations_of([] {  // the counter counts
            int* volatile kept = new int(1);
            delete kept;
          }) == 1000);

  std::uint64_t sum = 0;
  CHECK(allocations_of([&] { sum += static_cast<std::uint64_t>(number.get()); }) == 0);
  CHECK(allocations_of([&] { sum += number.read().meta.rev.value(); }) == 0);
  CHECK(allocations_of([&] { sum += static_cast<std::uint64_t>(number.state()); }) == 0);
  CHECK(allocations_of([&] { sum += name.with([](const std::string& t) { return t.size(); }); }) == 0);
  CHECK(allocations_of([&] { sum += static_cast<std::uint64_t>(limits.get().max_open); }) == 0);
  CHECK(allocations_of([&] { sum += n.store.view().get_or<int>("n", "k1999", 0); }) == 0);
  CHECK(allocations_of([&] { sum += n.store.view().get<std::string_view>("n", "text")->size(); }) == 0);
  CHECK(allocations_of([&] { sum += n.store.view().get("n", "absent") ? 1u : 0u; }) == 0);
  const std::array<std::string_view, 3> keys{"k1", "k2", "absent"};
  std::array<std::optional<ValueView>, 3> found;
  CHECK(allocations_of([&] { n.store.view().in("n")->get_many(keys, found); }) == 0);
  CHECK(sum > 0);
}

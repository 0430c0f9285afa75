// Readers and one writer on threads: what a View shows is whole (I11), stays while it lives, and is freed
// after it.
#include "subscriber/view/view_store.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "proto/base/hash.hpp"
#include "subscriber/native.hpp"
#include "subscriber/view/namespace_copy.hpp"

using namespace prismbus;

namespace {

// One namespace "n" with keys k0..k{keys-1}; every set writes the same number to all of them.
class Writer {
 public:
  explicit Writer(ViewStore& store, int keys) : store_(store), keys_(keys) {}

  void write(std::uint64_t number) {
    Garbage garbage;
    ChangeSet set;
    set.seq = Seq(number);
    set.rev = Revision(number);
    for (int i = 0; i < keys_; ++i) {
      set.changes.push_back({ChangeOp::put, "k" + std::to_string(i), encode_value(number), number});
    }
    copy_.apply(set, garbage, nullptr);
    auto* leaf = new NamespaceLeaf;
    leaf->name = name_;
    leaf->hash = xxh3_64(*name_);
    leaf->shown = true;
    leaf->entries = copy_.entries;
    leaf->seq = copy_.seq;
    table_.put(leaf, garbage);
    store_.publish(new ViewRoot{Epoch(1), true, true, nullptr, table_});
    store_.retire(std::move(garbage));
  }

 private:
  ViewStore& store_;
  int keys_;
  std::shared_ptr<const std::string> name_ = std::make_shared<const std::string>("n");
  NamespaceCopy copy_;
  Hamt<NamespaceLeaf> table_;
};

}  // namespace

TEST_CASE("readers on threads see whole transactions, never older ones than before (I11)") {
  ViewStore store;
  Writer writer(store, 20);
  writer.write(1);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0}, torn{0}, backwards{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        const View view = store.view();
        const auto first = view.get<std::uint64_t>("n", "k0");
        const auto other = view.get<std::uint64_t>("n", "k19");
        if (!first || first != other || view.seq("n")->value() != *first) torn.fetch_add(1);
        if (*first < last) backwards.fetch_add(1);
        last = *first;
        reads.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (std::uint64_t n = 2; n < 3000; ++n) writer.write(n);
  while (reads.load() < 1000) std::this_thread::yield();
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK(torn == 0);
  CHECK(backwards == 0);
  writer.write(3000);  // nobody reads: everything replaced is freed with the next step
  CHECK(store.waiting() == 0);
}

TEST_CASE("a View keeps what it shows while the writer goes on, and frees it when it ends") {
  ViewStore store;
  Writer writer(store, 5);
  writer.write(1);
  {
    const View old = store.view();
    for (std::uint64_t n = 2; n < 50; ++n) writer.write(n);
    CHECK(old.get<std::uint64_t>("n", "k3") == 1u);
    CHECK(store.view().get<std::uint64_t>("n", "k3") == 49u);
    CHECK(store.waiting() > 0);
  }
  writer.write(50);
  CHECK(store.waiting() == 0);
}

TEST_CASE("more Views at once than there are slots are still safe") {
  ViewStore store;
  Writer writer(store, 5);
  writer.write(1);
  {
    std::vector<View> views;
    for (std::size_t i = 0; i < EpochPins::kSlots + 20; ++i) views.push_back(store.view());
    for (std::uint64_t n = 2; n < 20; ++n) writer.write(n);
    for (const View& view : views) REQUIRE(view.get<std::uint64_t>("n", "k0") == 1u);
  }
  writer.write(20);
  CHECK(store.waiting() == 0);
}

TEST_CASE("a View that was moved from lets go of nothing twice") {
  ViewStore store;
  Writer writer(store, 1);
  writer.write(1);
  View a = store.view();
  View b = std::move(a);
  a = store.view();
  writer.write(2);
  CHECK(b.get_or<std::uint64_t>("n", "k0", 0) == 1u);
  CHECK(b.get_or<std::uint64_t>("n", "absent", 7) == 7u);
  CHECK(b.get_or<std::string>("n", "k0", "not a text") == "not a text");
}

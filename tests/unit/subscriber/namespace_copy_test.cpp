// The content of one namespace: higher revs win, the hash is kept along (I5).
#include "subscriber/view/namespace_copy.hpp"

#include <catch2/catch.hpp>

#include "proto/base/hash.hpp"

using namespace prismbus;

namespace {

Entry entry(const std::string& key, const std::string& value, std::uint64_t rev) {
  Entry e;
  e.key = key;
  e.value = value;
  e.rev = Revision(rev);
  e.version = 1;
  return e;
}

ChangeSet set_of(std::uint64_t seq, std::uint64_t rev, std::vector<Change> changes) {
  ChangeSet set;
  set.seq = Seq(seq);
  set.rev = Revision(rev);
  set.changes = std::move(changes);
  return set;
}

const EntryLeaf* find(const NamespaceCopy& copy, const std::string& key) {
  return copy.entries.find(xxh3_64(key), key);
}

struct Holder {
  NamespaceCopy copy;
  Garbage garbage;
  ~Holder() {
    copy.entries.retire(garbage);
    garbage.release_all();
  }
};

}  // namespace

TEST_CASE("an entry is replaced only by a change with a higher rev and deleted only by a higher one") {
  Holder h;
  h.copy.insert(entry("a", "later", 20), h.garbage);
  h.copy.insert(entry("b", "early", 5), h.garbage);
  std::vector<KeyChange> told;
  h.copy.apply(
      set_of(7, 10,
             {{ChangeOp::put, "a", "old", 1}, {ChangeOp::del, "b", "", 0}, {ChangeOp::put, "c", "new", 1}}),
      h.garbage, &told);
  REQUIRE(find(h.copy, "a") != nullptr);
  CHECK(find(h.copy, "a")->value() == "later");
  CHECK(find(h.copy, "b") == nullptr);
  CHECK(find(h.copy, "c")->rev == Revision(10));
  CHECK(h.copy.seq == Seq(7));
  CHECK(told.size() == 2);
  h.copy.apply(set_of(8, 15, {{ChangeOp::del, "a", "", 0}}), h.garbage, nullptr);
  CHECK(find(h.copy, "a") != nullptr);
  h.copy.apply(set_of(9, 21, {{ChangeOp::del, "a", "", 0}}), h.garbage, nullptr);
  CHECK(find(h.copy, "a") == nullptr);
}

TEST_CASE("the kept hash is the sum over the live entries (I5)") {
  Holder h;
  h.copy.insert(entry("a", "1", 3), h.garbage);
  h.copy.insert(entry("b", "2", 4), h.garbage);
  h.copy.apply(set_of(5, 9, {{ChangeOp::put, "a", "3", 2}, {ChangeOp::del, "b", "", 0}}), h.garbage, nullptr);
  CHECK(h.copy.hash == entry_hash("a", Revision(9)));
}

TEST_CASE("differences of two pictures are what a reader would notice") {
  Holder before, after;
  before.copy.insert(entry("same", "1", 3), before.garbage);
  before.copy.insert(entry("gone", "1", 3), before.garbage);
  before.copy.insert(entry("other", "1", 3), before.garbage);
  after.copy.insert(entry("same", "1", 3), after.garbage);
  after.copy.insert(entry("other", "2", 7), after.garbage);
  after.copy.insert(entry("fresh", "1", 8), after.garbage);
  std::vector<KeyChange> told;
  find_differences(before.copy.entries, after.copy.entries, told);
  std::vector<std::string> keys;
  for (const KeyChange& c : told) keys.emplace_back((c.after != nullptr ? c.after : c.before)->key());
  CHECK_THAT(keys, Catch::Matchers::UnorderedEquals(std::vector<std::string>{"gone", "other", "fresh"}));
}

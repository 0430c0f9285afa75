#include "tests/unit/subscriber/cache_samples.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace prismbus::test {

CacheScratch::CacheScratch()
    : path_((std::filesystem::temp_directory_path() / "prismbus-cache-XXXXXX").string()) {
  REQUIRE(::mkdtemp(path_.data()) != nullptr);
}
CacheScratch::~CacheScratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

CachedNamespace::~CachedNamespace() {
  garbage_.release_all();
  release(copy);
}

CacheStep CachedNamespace::step(std::mt19937_64& random, Wall seen) {
  ChangeSet set;
  set.seq = copy.seq.next();
  set.rev = Revision(copy.rev.value() + random() % 3 + 1);
  set.time = from_micros(set.rev.value() * 1000);
  CachedMap next = at_seq.at(copy.seq.value());
  std::map<std::string, bool> touched;
  for (std::size_t i = random() % 5 + 1; i > 0; --i) {
    Change change;
    change.key = "key/" + std::to_string(random() % 40);
    if (!touched.emplace(change.key, true).second) continue;
    if (next.contains(change.key) && random() % 4 == 0) {
      change.op = ChangeOp::del;
      next.erase(change.key);
    } else {
      change.value = std::string("\xd9", 1) + static_cast<char>(random() % 200 + 1);
      change.value.append(static_cast<std::uint8_t>(change.value[1]), static_cast<char>('a' + random() % 26));
      change.version = next[change.key].version + 1;
      next[change.key] = {change.value, set.rev.value(), change.version};
    }
    set.changes.push_back(change);
  }
  if (set.changes.empty()) return step(random, seen);
  std::vector<KeyChange> told;
  copy.apply(set, garbage_, &told);
  CacheStep out{epoch, set.seq, false, {}};
  cache::append_changes_head(out.body, {set.seq, set.rev, set.time, copy.hash, seen});
  for (const KeyChange& change : told) {
    cache::append_change(out.body, (change.after != nullptr ? change.after : change.before)->key(),
                         change.after);
  }
  garbage_.release_all();
  at_seq[set.seq.value()] = std::move(next);
  return out;
}

Result<void> CachedNamespace::write_picture(CacheWriter& writer, Wall seen) {
  auto draft = writer.draft(epoch, ns, copy.entries, {copy.seq, copy.rev, copy.time, copy.hash, seen});
  return draft ? writer.finish(std::move(*draft)) : Result<void>(unexpected<Error>(draft.error()));
}

std::unique_ptr<const CacheKey> key_of(const CacheScratch& scratch, std::uint64_t n) {
  const std::string path = scratch.path() + "/key-" + std::to_string(n);
  spill(path, fmt::format("{:064x}\n", n));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  return CacheKey::read(path).value();
}

CachedMap content_of(const NamespaceCopy& copy) {
  CachedMap out;
  copy.entries.for_each([&](const EntryLeaf& leaf) {
    out[std::string(leaf.key())] = {std::string(leaf.value()), leaf.rev.value(), leaf.version};
  });
  return out;
}

void release(NamespaceCopy& copy) {
  Garbage garbage;
  copy.entries.retire(garbage);
  garbage.release_all();
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace prismbus::test

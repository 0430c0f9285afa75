// The cache's files: what the writer leaves is what a later start reads.
#include "subscriber/cache/cache_writer.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <filesystem>

#include "subscriber/cache/cache_loader.hpp"
#include "tests/unit/subscriber/cache_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

Wall second(std::uint64_t n) {
  return from_micros(n * 1'000'000);
}

struct Reading {
  explicit Reading(const std::string& path) : directory(CacheDirectory::open(path).value()) {
    found = load_cache(directory, directory.names());
  }
  ~Reading() {
    for (cache::Loaded& loaded : found.namespaces) release(loaded.copy);
  }
  CacheDirectory directory;
  CacheFindings found;
};

}  // namespace

TEST_CASE("pictures and steps of several namespaces are read back, across writers (I5)") {
  CacheScratch scratch;
  std::mt19937_64 random(11);
  std::deque<CachedNamespace> all;
  for (const char* ns : {"a", "a.b", "c"}) all.emplace_back(ns, Epoch(3));
  for (int run = 0; run < 4; ++run) {
    auto directory = CacheDirectory::open(scratch.cache()).value();
    REQUIRE(directory.writer());
    CacheWriter writer(directory);
    CacheFindings found = load_cache(directory, directory.names());
    CHECK(found.namespaces.size() == (run == 0 ? 0u : 3u));
    CHECK(found.dropped.empty());
    CHECK(found.torn.empty());
    for (cache::Loaded& loaded : found.namespaces) {
      writer.adopt(loaded);
      release(loaded.copy);
    }
    for (CachedNamespace& n : all) {
      std::vector<CacheStep> steps;
      for (int i = 0; i < 10; ++i) steps.push_back(n.step(random, second(run * 10 + i)));
      if (run == 0) {
        CHECK(writer.append(n.ns, steps).value() == false);  // nothing to append to
        REQUIRE(n.write_picture(writer, second(1)));
      } else {
        CHECK(writer.append(n.ns, steps).value());
        CHECK(writer.append(n.ns, steps).value());  // once more: it has them
      }
    }
  }
  const Reading r(scratch.cache());
  REQUIRE(r.found.namespaces.size() == 3);
  for (const cache::Loaded& loaded : r.found.namespaces) {
    const auto& n = *std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.ns == loaded.ns; });
    CHECK(loaded.copy.seq == n.copy.seq);
    CHECK(content_of(loaded.copy) == n.at_seq.at(n.copy.seq.value()));
    CHECK(loaded.seen == second(39));
  }
}

TEST_CASE("steps that do not continue the file, of another epoch, or too many of them ask for a picture") {
  CacheScratch scratch;
  std::mt19937_64 random(12);
  auto directory = CacheDirectory::open(scratch.cache()).value();
  CacheWriter writer(directory);
  CachedNamespace n("a", Epoch(3));
  (void)n.step(random, second(1));
  REQUIRE(n.write_picture(writer, second(1)));
  (void)n.step(random, second(2));
  CHECK_FALSE(writer.append("a", {n.step(random, second(3))}).value());
  REQUIRE(n.write_picture(writer, second(3)));
  CacheStep foreign = n.step(random, second(4));
  foreign.epoch = Epoch(4);
  CHECK_FALSE(writer.append("a", {foreign}).value());
  REQUIRE(n.write_picture(writer, second(4)));
  bool grew = true;
  std::size_t steps = 0;
  while (grew && steps < 100'000) {
    ++steps;
    grew = writer.append("a", {n.step(random, second(5))}).value();
  }
  CHECK_FALSE(grew);
  REQUIRE(n.write_picture(writer, second(6)));
  CHECK(std::filesystem::file_size(scratch.file("a")) < 100'000);
}

TEST_CASE("a file that changed behind the writer's back is not appended to") {
  CacheScratch scratch;
  std::mt19937_64 random(13);
  auto directory = CacheDirectory::open(scratch.cache()).value();
  CacheWriter writer(directory);
  CachedNamespace n("a", Epoch(3));
  (void)n.step(random, second(1));
  REQUIRE(n.write_picture(writer, second(1)));
  std::filesystem::resize_file(scratch.file("a"), 30);
  CHECK_FALSE(writer.append("a", {n.step(random, second(2))}).value());
  CHECK(std::filesystem::file_size(scratch.file("a")) == 30);
}

TEST_CASE("of two openers one writes, the other reads; files and directory are private") {
  CacheScratch scratch;
  auto first = CacheDirectory::open(scratch.cache()).value();
  const auto second_opener = CacheDirectory::open(scratch.cache()).value();
  CHECK(first.writer());
  CHECK_FALSE(second_opener.writer());
  std::mt19937_64 random(14);
  CacheWriter writer(first);
  CachedNamespace n("a", Epoch(3));
  (void)n.step(random, second(1));
  REQUIRE(n.write_picture(writer, second(1)));
  CHECK(second_opener.read(cache_file_name("a")));
  struct stat about {};
  REQUIRE(::stat(scratch.file("a").c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  REQUIRE(::stat(scratch.cache().c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
}

TEST_CASE("a directory that others can reach, a link to one, or a file in its place is refused") {
  CacheScratch scratch;
  std::filesystem::create_directory(scratch.path() + "/open");
  REQUIRE(::chmod((scratch.path() + "/open").c_str(), 0755) == 0);
  spill(scratch.path() + "/file", "x");
  { const auto made = CacheDirectory::open(scratch.cache()).value(); }
  std::filesystem::create_symlink(scratch.cache(), scratch.path() + "/link");
  for (const char* name : {"/open", "/file", "/link"}) {
    const auto opened = CacheDirectory::open(scratch.path() + name);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::invalid_argument);
  }
  CHECK_FALSE(CacheDirectory::open(scratch.path() + "/no/such"));
  if (::geteuid() == 0) {
    REQUIRE(::chown(scratch.cache().c_str(), 65534, 65534) == 0);
    CHECK_FALSE(CacheDirectory::open(scratch.cache()));
  }
}

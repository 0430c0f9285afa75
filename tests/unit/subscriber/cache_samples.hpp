// Random namespaces for the cache's tests: the content at every seq in plain maps, which share no code with
// the cache, and the records that a subscriber would write. Also a temporary directory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "subscriber/cache/cache_writer.hpp"

namespace prismbus::test {

struct CachedValue {
  std::string value;
  std::uint64_t rev = 0, version = 0;
  friend bool operator==(const CachedValue&, const CachedValue&) = default;
};
using CachedMap = std::map<std::string, CachedValue>;

class CacheScratch {
 public:
  CacheScratch();
  ~CacheScratch();
  CacheScratch(const CacheScratch&) = delete;
  CacheScratch& operator=(const CacheScratch&) = delete;
  [[nodiscard]] std::string cache() const { return path_ + "/cache"; }
  [[nodiscard]] std::string file(const std::string& ns) const { return cache() + "/" + cache_file_name(ns); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One namespace that lives: step() changes it, and remembers how it was at every seq.
class CachedNamespace {
 public:
  CachedNamespace(std::string name, Epoch history) : ns(std::move(name)), epoch(history) {}
  ~CachedNamespace();
  CachedNamespace(const CachedNamespace&) = delete;
  CachedNamespace& operator=(const CachedNamespace&) = delete;

  // 1 to 5 random changes; the step for the writer.
  CacheStep step(std::mt19937_64& random, Wall seen);
  [[nodiscard]] Result<void> write_picture(CacheWriter& writer, Wall seen);

  std::string ns;
  Epoch epoch;
  NamespaceCopy copy;
  std::map<std::uint64_t, CachedMap> at_seq{{0, {}}};  // every state it ever had

 private:
  Garbage garbage_;
};

// The key whose file holds the hexadecimal digits of `n`, in a file of that directory.
[[nodiscard]] std::unique_ptr<const CacheKey> key_of(const CacheScratch& scratch, std::uint64_t n);
[[nodiscard]] CachedMap content_of(const NamespaceCopy& copy);
void release(NamespaceCopy& copy);
[[nodiscard]] std::string slurp(const std::string& path);
void spill(const std::string& path, const std::string& bytes);
// A number from the environment, else `otherwise`; the seed of a run is printed by who takes it.
[[nodiscard]] std::uint64_t number_from(const char* variable, std::uint64_t otherwise);

}  // namespace prismbus::test

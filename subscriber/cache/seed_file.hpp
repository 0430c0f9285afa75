// A seed: one file with the content of namespaces, packaged with a service for a start with no broker and no
// cache. Sections as in cache_format.hpp, one a namespace, each with its `end` record.
#pragma once

#include <string>
#include <vector>

#include "subscriber/cache/cache_format.hpp"
#include "subscriber/sync/follow_set.hpp"

namespace prismbus {

// Those that `follow` covers; the taker frees their entries. A seed is whole or refused: it was made once,
// and nobody may change it. Errors: not_found; invalid_argument (damaged, named twice, two histories,
// writable by others, another owner than this user or root); unsupported (a newer format); too_large;
// unavailable. Blocks on the disk.
[[nodiscard]] Result<std::vector<cache::Loaded>> load_seed(const std::string& path, const FollowSet& follow);

// Appends one section to `out`. The entries may be given in any order.
class SeedSection {
 public:
  SeedSection(std::string& out, Epoch epoch, std::string_view ns);
  void add(std::string_view key, std::string_view value, Revision rev, std::uint64_t version, Wall time);
  // `mark.hash` is computed here.
  void end(cache::Mark mark);

 private:
  void flush();
  std::string* out_;
  cache::Encoder encoder_;
  std::string body_;
  std::uint64_t keys_ = 0, hash_ = 0;
};

}  // namespace prismbus

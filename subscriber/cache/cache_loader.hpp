// What a cache directory or a seed file holds, as far as it can be trusted: whole namespaces of one history.
// Whatever is damaged, foreign, or of another history is left out and named. Blocks on the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "subscriber/cache/cache_directory.hpp"
#include "subscriber/cache/cache_format.hpp"

namespace prismbus {

struct CacheFindings {
  struct Trouble {
    std::string file;  // as it is named in the directory
    std::string why;
    bool exposed = false;  // there is a key, and the file does not say that it is encrypted
  };
  std::vector<cache::Loaded> namespaces;  // all of one epoch; the taker frees their entries
  std::vector<Trouble> dropped;           // files that give nothing
  std::vector<Trouble> torn;              // files of which only the beginning was good: an older state
  std::uint64_t bytes = 0;                // read
};

void free_entries(cache::Loaded& loaded);

// The files of `names`; those that are not there are passed over. A file counts only under the name of its
// own namespace, and when it was sealed with `key` (null: when it is plain). Of several histories the one
// that was current last is taken, or `epoch` when it is set (it was chosen by an earlier call).
[[nodiscard]] CacheFindings load_cache(const CacheDirectory& directory, const std::vector<std::string>& names,
                                       const CacheKey* key = nullptr,
                                       std::optional<Epoch> epoch = std::nullopt);

}  // namespace prismbus

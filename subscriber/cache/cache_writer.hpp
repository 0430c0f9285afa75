// Keeps the files of a cache up to date: a new picture, or steps behind the last one. Knows of each file what
// it wrote or was told it holds, and never appends to anything else. One thread (the cache's). Blocks on the
// disk. A file is renewed with a picture when its steps outgrow it. Appends are not synced: what a power cut
// takes from the end leaves a prefix, and a prefix is a consistent, older state.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/base/bytes.hpp"
#include "subscriber/cache/cache_directory.hpp"
#include "subscriber/cache/cache_format.hpp"

namespace prismbus {

// What happened to one namespace after its picture: a change set, or the news that it was current.
struct CacheStep {
  Epoch epoch;
  Seq seq;            // changes: of the set
  bool seen = false;  // else changes
  std::string body;
};

class CacheWriter {
 public:
  // Both outlive this. The directory has the lock whenever something is written. Files are sealed with `key`;
  // null: they are plain.
  explicit CacheWriter(CacheDirectory& directory, const CacheKey* key = nullptr)
      : directory_(&directory), key_(key) {}

  // What a load with the same key found: steps may follow it when the whole file was good.
  void adopt(const cache::Loaded& loaded);

  // A picture that is to become the namespace's file. In two halves, for nothing in memory has to be held
  // still while the disk syncs: draft() writes it beside the file, finish() puts it there. One at a time.
  // Errors: as CacheDirectory, too_large (of draft); the former file is still there.
  struct Draft;
  [[nodiscard]] Result<Draft> draft(Epoch epoch, std::string_view ns, const Hamt<EntryLeaf>& entries,
                                    const cache::Mark& mark);
  [[nodiscard]] Result<void> finish(Draft draft);

  // Appends those of `steps` that the file does not hold yet. False: they do not continue it (or it outgrew
  // its picture, or what is read): a picture is needed. Errors: as CacheDirectory.
  [[nodiscard]] Result<bool> append(std::string_view ns, const std::vector<CacheStep>& steps);

  void remove(std::string_view ns);

 private:
  struct File {
    Epoch epoch;
    Seq seq;
    std::uint64_t size = 0, picture_bytes = 0;
    cache::Chain chain;
  };
  std::unordered_map<std::string, File, BytesHash, std::equal_to<>> files_;
  CacheDirectory* directory_;
  const CacheKey* key_;
};

struct CacheWriter::Draft {
  std::string ns;
  FileHandle handle;
  File file;  // as it will be
};

}  // namespace prismbus

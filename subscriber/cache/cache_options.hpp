// What an application says about the disk below its local copy.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace prismbus {

struct CacheOptions {
  // Of this user alone (0700), created when it is not there; empty = no cache. Several processes may share
  // one: the first writes, the others read it at their start, and one of them goes on writing when the first
  // ends, within two seconds. Namespaces of one broker (or cluster) only.
  std::string directory{};
  // Namespaces read first: open() returns when these are shown, the others follow on the background thread.
  // Empty = open() reads everything.
  std::vector<std::string> preload{};
  // Encrypts the cache: a file with the key, 64 hexadecimal digits, of this user and 0600 or less
  // (`(umask 077; openssl rand -hex 32 > cache.key)`), not in `directory`; empty = not encrypted. What is
  // there under another key, or unencrypted, is no cache: a new key begins an empty one. The names of files
  // are hashes of namespaces, and their sizes and times are those of the content: these can be seen and
  // guessed.
  std::string key_file{};
  // Namespaces whose values are secret, as patterns (`a.b`, `a.b.**`, `**`): not on disk unless the cache is
  // encrypted, and not taken from a seed file (`prismbus export --seed --exclude PATTERN` leaves them out).
  // What an earlier start left of them unencrypted is removed. Every process that shares the directory says
  // the same: the contract has no way yet by which a broker tells its followers what is secret.
  std::vector<std::string> secret{};
  // The file of a namespace goes when the broker says that it is not there, or not for this subscriber. One
  // that is merely followed no more stays, in case it is again, until nobody has written it for so long: then
  // the next start that writes the cache removes it. Not negative.
  std::chrono::hours keep_unfollowed{30 * 24};
};

struct CacheStatus {
  bool writer = false;  // this process keeps the cache; false: off, or another process does, until it ends
  bool encrypted = false;
  std::uint64_t loaded = 0, dropped = 0, torn = 0;      // files at the start: used, of no use, used in part
  std::uint64_t pictures = 0, steps = 0, failures = 0;  // written since
};

}  // namespace prismbus

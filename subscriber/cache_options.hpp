// What an application says about the disk below its local copy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace prismbus {

struct CacheOptions {
  // Of this user alone (0700), created when it is not there; empty = no cache. Several processes may share
  // one: the first writes, the others read it at their start. Namespaces of one broker (or cluster) only.
  std::string directory;
  // Namespaces read first: open() returns when these are shown, the others follow on the background thread.
  // Empty = open() reads everything.
  std::vector<std::string> preload;
  // Encrypts the cache: a file with the key, 64 hexadecimal digits, of this user and 0600 or less
  // (`(umask 077; openssl rand -hex 32 > cache.key)`), not in `directory`; empty = not encrypted. What is
  // there under another key, or unencrypted, is no cache: a new key begins an empty one. The names of files
  // are hashes of namespaces, and their sizes and times are those of the content: these can be seen and
  // guessed.
  std::string key_file;
};

struct CacheStatus {
  bool writer = false;  // this process keeps the cache; false: off, or another process does
  bool encrypted = false;
  std::uint64_t loaded = 0, dropped = 0, torn = 0;      // files at the start: used, of no use, used in part
  std::uint64_t pictures = 0, steps = 0, failures = 0;  // written since
};

}  // namespace prismbus

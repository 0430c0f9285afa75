// What an application says when it reads from a broker, and what it gets. Value types of both client
// libraries.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "proto/wire/messages.hpp"

namespace prismbus {

// What was read, and the revision it was answered at.
template <class T>
struct Answer {
  Epoch epoch;
  Revision rev;
  T value;
  std::optional<Revision> at{};  // of a read of the past: the revision that was shown
};

// Always answered: by the broker, or with an error when the time is over or the library is stopped.
template <class T>
using ReadFuture = std::future<Result<Answer<T>>>;

struct ReadCall {
  std::optional<Revision> min_rev{};  // wait (2 s at most) until the broker has applied it
  std::optional<Revision> at{};       // get, mget, list: as it was at that revision
  std::optional<Wall> at_time{};      // ... or after the last transaction whose time is not later
  std::optional<Epoch> epoch{};       // the history these and cursors belong to; default: the present one
  Consistency consistency = Consistency::linearizable;
  std::optional<std::chrono::milliseconds> timeout{};  // instead of the library's own
};

struct ListCall {
  std::string ns{};
  bool subtree = false, values = true;
  std::optional<std::string> prefix{}, glob{};
  ReadCall read{};
};

// One page of the versions of a key, newest first.
struct HistoryCall {
  std::string ns{}, key{};
  std::optional<Revision> before{};      // only older ones
  std::optional<std::uint64_t> limit{};  // versions in the page, at most
  std::optional<std::string> after{};
  ReadCall read{};
};

// One page of the keys that two revisions hold differently.
struct DiffCall {
  std::string ns{};
  Revision from{}, to{};  // `to` 0 = now
  std::optional<std::string> after{};
  ReadCall read{};
};

}  // namespace prismbus

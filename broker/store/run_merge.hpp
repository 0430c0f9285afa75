// Walking several runs as one: each key (or namespace) once, in order, with its newest change (or set). Lends
// from the runs, which outlive it. One thread.
#pragma once

#include <string_view>
#include <vector>

#include "broker/store/recent_run.hpp"

namespace prismbus {

// `runs` oldest first; what is at or below `folded` is left out, for the state knows better.
class KeyMerge {
 public:
  using Item = RecentSnapshot::Run::Item;
  KeyMerge(const std::vector<RecentRunPtr>& runs, Revision folded, std::string_view from_ns,
           std::string_view from_key);
  [[nodiscard]] const Item* next();  // null at the end

 private:
  struct Source {
    const Item* at;
    const Item* end;
    std::size_t age;  // greater = newer
  };
  static bool after(const Source& a, const Source& b);  // heap order: smallest name, then newest, on top
  const Item* pop();

  std::vector<Source> heap_;
  Revision folded_;
};

class NamespaceMerge {
 public:
  using Set = RecentSnapshot::Run::Set;
  NamespaceMerge(const std::vector<RecentRunPtr>& runs, Revision folded, std::string_view from);
  [[nodiscard]] const Set* next();  // the newest set of the next namespace; null at the end

 private:
  struct Source {
    const RecentSnapshot::Run* run;
    const Set* at;  // the first set of a namespace
  };
  std::vector<Source> sources_;  // oldest first
  Revision folded_;
};

}  // namespace prismbus

// A sync that the application asked for, while it lasts: which namespaces and subtrees it waits for. Plain
// data, owned and moved about by SyncState (sync_on_demand.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "subscriber/sync/followed_namespace.hpp"
#include "subscriber/view/sync_report.hpp"

namespace prismbus {

struct SyncRun {
  struct Item {
    FollowedNamespace* n = nullptr;  // null: below a subtree, and never heard of so far
    SyncTotals totals;               // when it began
    NamespaceSync sync;
    bool asked = false, done = false;
  };
  struct Subtree {
    std::size_t index = 0;
    bool all = true;  // everything of it; else only to learn whether a named namespace is there
    bool done = false;
  };

  std::uint64_t id = 0;
  SyncKind kind = SyncKind::incremental;
  Now began{};
  Steady begin_at{}, deadline{};
  std::uint64_t after_tag = 0;  // answers to requests that were sent later count
  std::vector<Item> items;
  std::unordered_set<const FollowedNamespace*> has;
  std::vector<Subtree> subtrees;
};

}  // namespace prismbus

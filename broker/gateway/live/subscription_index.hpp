// Whose subscriptions a namespace concerns: exact ones by its name, those of subtrees by each of its
// ancestors, so that a change costs what follows it and not what is there. Gateway thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {

template <class Follower>
class SubscriptionIndex {
 public:
  void add(std::string_view ns, bool subtree, const Follower& follower) {
    auto& map = subtree ? below_ : exact_;
    auto it = map.find(ns);
    if (it == map.end()) it = map.emplace(std::string(ns), Followers()).first;
    it->second.push_back(follower);
  }
  // Once for each add().
  void remove(std::string_view ns, bool subtree, const Follower& follower) {
    auto& map = subtree ? below_ : exact_;
    const auto it = map.find(ns);
    if (it == map.end()) return;
    Followers& all = it->second;
    const auto at = std::find(all.begin(), all.end(), follower);
    if (at == all.end()) return;
    *at = all.back();
    all.pop_back();
    if (all.empty()) map.erase(it);
  }
  // Appends those that `ns` concerns.
  void find(std::string_view ns, std::vector<Follower>& out) const {
    append(exact_, ns, out);
    if (below_.empty()) return;
    if (!is_system_namespace(ns)) append(below_, "", out);
    for (std::size_t end = ns.find('.');; end = ns.find('.', end + 1)) {
      append(below_, ns.substr(0, end), out);
      if (end == std::string_view::npos) return;
    }
  }

 private:
  using Followers = std::vector<Follower>;
  using Map = std::unordered_map<std::string, Followers, BytesHash, std::equal_to<>>;

  static void append(const Map& map, std::string_view ns, std::vector<Follower>& out) {
    if (const auto it = map.find(ns); it != map.end())
      out.insert(out.end(), it->second.begin(), it->second.end());
  }

  Map exact_, below_;
};

}  // namespace prismbus

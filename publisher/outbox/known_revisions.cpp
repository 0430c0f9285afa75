#include "publisher/outbox/known_revisions.hpp"

#include <utility>

namespace prismbus {
namespace {

std::string name_of(std::string_view ns, std::string_view key) {
  std::string out(ns);
  out += '/';  // no namespace holds one
  return out.append(key);
}

}  // namespace

void KnownRevisions::learn(std::string_view ns, std::string_view key, Known known) {
  if (young_.size() >= kKnownMax) old_ = std::exchange(young_, {});
  young_.insert_or_assign(name_of(ns, key), known);
}

std::optional<KnownRevisions::Known> KnownRevisions::find(std::string_view ns, std::string_view key) const {
  const std::string name = name_of(ns, key);
  for (const auto* generation : {&young_, &old_}) {
    const auto found = generation->find(name);
    if (found != generation->end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace prismbus

#include "tests/model/model.hpp"

#include <xxhash.h>

#include <algorithm>
#include <stdexcept>

namespace prismbus::model {
namespace {

std::uint64_t hash_of(const std::string& key, std::uint64_t rev) {
  std::string bytes = key + '\0';
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(rev >> shift & 0xff);
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

const Version* Model::find(const std::string& ns, const std::string& key, std::uint64_t at) const {
  const auto it = keys_.find({ns, key});
  if (it == keys_.end()) return nullptr;
  const Version* found = nullptr;
  for (const Version& version : it->second) {
    if (version.rev <= at) found = &version;
  }
  return found != nullptr && found->put ? found : nullptr;
}

std::vector<Item> Model::items_of(const Write& rollback, std::uint64_t at) const {
  std::vector<Item> items;
  for (const auto& [name, versions] : keys_) {
    if (name.first != rollback.ns || (!rollback.key.empty() && name.second != rollback.key)) continue;
    const Version* then = find(name.first, name.second, rollback.to);
    const Version* now = find(name.first, name.second, at);
    if (then == nullptr ? now == nullptr : now != nullptr && now->value == then->value) continue;
    items.push_back(
        {then != nullptr, name.first, name.second, then == nullptr ? std::string() : then->value});
  }
  return items;
}

const std::vector<Version>* Model::versions(const std::string& ns, const std::string& key) const {
  const auto it = keys_.find({ns, key});
  return it == keys_.end() ? nullptr : &it->second;
}

std::vector<std::string> Model::keys_of(const std::string& ns) const {
  std::vector<std::string> keys;
  for (const auto& [name, versions] : keys_) {
    if (name.first == ns) keys.push_back(name.second);
  }
  return keys;
}

std::uint64_t Model::last_at(std::uint64_t time) const {
  return static_cast<std::uint64_t>(std::upper_bound(times_.begin(), times_.end(), time) - times_.begin());
}

std::optional<Refusal> Model::judge(const Write& write, std::uint64_t at) const {
  for (std::size_t i = 0; i < write.conditions.size(); ++i) {
    const Condition& condition = write.conditions[i];
    const Version* found = find(condition.ns, condition.key, at);
    const std::uint64_t rev = found == nullptr ? 0 : found->rev;
    if (rev != condition.rev) return Refusal{true, condition.ns, condition.key, rev, i};
  }
  for (std::size_t i = 0; i < write.items.size(); ++i) {
    const Item& item = write.items[i];
    if (!item.put && find(item.ns, item.key, at) == nullptr) return Refusal{false, item.ns, item.key, 0, i};
  }
  return std::nullopt;
}

void Model::apply(const Write& write, std::uint64_t time) {
  const std::uint64_t before = last(), rev = before + 1;
  if (judge(write, before)) throw std::runtime_error("applied although it was to be refused: " + write.note);
  const std::vector<Item> items = write.kind == Kind::rollback ? items_of(write, before) : write.items;
  if (items.empty()) throw std::runtime_error("applied although nothing differed: " + write.note);
  times_.push_back(time);
  Outcome outcome{write.kind, {}, {}};
  for (const Item& item : items) {
    const Version* found = find(item.ns, item.key, before);
    Version version{rev, item.put, item.value, 0, 0, time, write.note};
    if (item.put) {
      version.version = found == nullptr ? 1 : found->version + 1;
      version.created = found == nullptr ? rev : found->created;
    }
    auto& sets = sets_[item.ns];
    if (outcome.seqs.emplace(item.ns, sets.size() + 1).second) sets.push_back({rev, time, write.note, {}});
    sets.back().changes.push_back({item.put, item.key, item.value, version.version});
    outcome.versions.push_back(version.version);
    keys_[{item.ns, item.key}].push_back(std::move(version));
  }
  outcomes_.push_back(std::move(outcome));
}

void Model::go_back(std::uint64_t rev) {
  if (rev >= last()) return;
  outcomes_.resize(rev);
  times_.resize(rev);
  const auto is_later = [rev](const auto& of) { return of.rev > rev; };
  for (auto& [name, versions] : keys_) std::erase_if(versions, is_later);
  for (auto& [ns, sets] : sets_) std::erase_if(sets, is_later);
  std::erase_if(keys_, [](const auto& key) { return key.second.empty(); });
  std::erase_if(sets_, [](const auto& of) { return of.second.empty(); });
}

std::vector<LiveEntry> Model::entries(std::uint64_t at, const Wanted& wanted) const {
  std::vector<LiveEntry> live;
  for (const auto& [name, versions] : keys_) {
    if (!wanted(name.first, name.second)) continue;
    if (const Version* found = find(name.first, name.second, at))
      live.push_back({name.first, name.second, found});
  }
  return live;
}

std::optional<HeadAt> Model::head(const std::string& ns, std::uint64_t at) const {
  const auto it = sets_.find(ns);
  if (it == sets_.end() || it->second.front().rev > at) return std::nullopt;
  HeadAt head;
  for (const Set& set : it->second) {
    if (set.rev > at) break;
    ++head.seq;
    head.rev = set.rev;
    head.time = set.time;
  }
  for (const LiveEntry& entry :
       entries(at, [&](const std::string&n, const std::string&) { return n == ns; })) {
    head.hash += hash_of(entry.key, entry.version->rev);
    head.bytes += entry.key.size() + entry.version->value.size();
    ++head.keys;
  }
  return head;
}

const Set* Model::set(const std::string& ns, std::uint64_t seq) const {
  const auto it = sets_.find(ns);
  return it == sets_.end() || seq == 0 || seq > it->second.size() ? nullptr : &it->second[seq - 1];
}

std::uint64_t Model::head_seq(const std::string& ns) const {
  const auto it = sets_.find(ns);
  return it == sets_.end() ? 0 : it->second.size();
}

std::vector<std::string> Model::namespaces(std::uint64_t at) const {
  std::vector<std::string> names;
  for (const auto& [ns, sets] : sets_) {
    if (sets.front().rev <= at) names.push_back(ns);
  }
  return names;
}

bool covers(const std::string& under, const std::string& ns) {
  if (under.empty()) return ns[0] != '_';
  return ns == under || ns.compare(0, under.size() + 1, under + '.') == 0;
}

bool glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.substr(0, 2) == "**") {
    for (std::size_t n = 0; n <= text.size(); ++n) {
      if (glob(pattern.substr(2), text.substr(n))) return true;
    }
    return false;
  }
  if (pattern[0] == '*') {
    for (std::size_t n = 0; n <= text.size(); ++n) {
      if (glob(pattern.substr(1), text.substr(n))) return true;
      if (n < text.size() && text[n] == '/') return false;
    }
    return false;
  }
  if (text.empty()) return false;
  if (pattern[0] == '?' ? text[0] == '/' : pattern[0] != text[0]) return false;
  return glob(pattern.substr(1), text.substr(1));
}

}  // namespace prismbus::model

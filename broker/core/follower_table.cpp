#include "broker/core/follower_table.hpp"

#include <algorithm>

#include "proto/base/hash.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

// Length first, so that no two lists of texts run into the same bytes.
void append(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

std::string instance_of(ConnectionId connection, const HelloRequest& hello) {
  return hello.instance.empty() ? "#" + std::to_string(connection.value()) : std::string(hello.instance);
}

bool is_in(const std::vector<std::string>& sorted, std::string_view text) {
  return std::binary_search(sorted.begin(), sorted.end(), text, std::less<>());
}

}  // namespace

bool Follower::follows(std::string_view ns) const {
  if (applied.contains(ns)) return true;
  if (under.empty()) return false;
  if (under.front().empty() && !is_system_namespace(ns)) return true;
  for (std::size_t end = ns.size(); end != std::string_view::npos; end = ns.rfind('.', end - 1)) {
    if (is_in(under, ns.substr(0, end))) return true;  // `a.b.c`, then `a.b`, then `a`
  }
  return false;
}

Seq Follower::reached(std::string_view ns) const {
  const auto it = applied.find(ns);
  return it == applied.end() ? Seq{} : it->second;
}

bool Follower::refused(std::string_view ns, Seq seq) const {
  if (refusals.empty()) return false;
  return std::find(refusals.begin(), refusals.end(), std::pair(xxh3_64(ns), seq)) != refusals.end();
}

std::size_t Follower::refusals_of(std::string_view ns) const {
  const std::uint64_t hash = xxh3_64(ns);
  return static_cast<std::size_t>(std::count_if(refusals.begin(), refusals.end(),
                                                [hash](const auto& each) { return each.first == hash; }));
}

const Rejection* Follower::find_rejection(std::string_view ns, Seq seq) const {
  for (const Rejection& rejection : rejected) {
    if (rejection.seq == seq && rejection.ns == ns) return &rejection;
  }
  return nullptr;
}

std::optional<LatencyFigures> Follower::latency_figures() const {
  if (latencies == 0) return std::nullopt;
  auto sorted = latency;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(latencies, sorted.size()));
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(size));
  return LatencyFigures{sorted[(size - 1) / 2], sorted[(size - 1) * 99 / 100]};
}

std::uint64_t FollowerTable::digest_of(const HelloRequest& hello, const Principal& principal) {
  std::string said;
  for (const std::string_view text :
       {std::string_view(principal.name), hello.name, hello.version, hello.instance})
    append(said, text);
  for (const auto& [name, value] : hello.labels) {
    append(said, name);
    append(said, value);
  }
  for (const auto* names : {&hello.follow_ns, &hello.follow_under}) {
    said += ';';
    for (const auto ns : *names) append(said, ns);
  }
  return xxh3_64(said);
}

std::string FollowerTable::identity_of(ConnectionId connection, const HelloRequest& hello,
                                       const Principal& principal) {
  std::string identity;
  append(identity, principal.name);
  append(identity, instance_of(connection, hello));
  return identity;
}

bool FollowerTable::has_room_for_row(const std::string& identity) const {
  const auto it = instances_.find(identity);
  return rows_.size() < kRowsMax &&
         (it == instances_.end() || it->second.connections.size() < kInstanceRowsMax);
}

Follower* FollowerTable::add(ConnectionId connection, const HelloRequest& hello, const Principal& principal,
                             Now now) {
  std::size_t text = hello.name.size() + hello.instance.size();
  for (const auto& [name, value] : hello.labels) text += name.size() + value.size();
  for (const auto ns : hello.follow_ns) text += ns.size();
  for (const auto ns : hello.follow_under) text += ns.size();
  std::string identity = identity_of(connection, hello, principal);
  if (!has_room_for_row(identity) || text_bytes_ + text > kTextBytesMax ||
      !has_room_for(hello.follow_ns.size())) {
    return nullptr;
  }
  FollowerInstance& peers = instances_[identity];
  peers.identity = std::move(identity);
  peers.connections.push_back(connection);
  Follower& row = rows_[connection];
  row.connection = connection;
  row.peers = &peers;
  row.greeting = digest_of(hello, principal);
  row.order = ++last_order_;
  row.principal = principal.name;
  row.name = std::string(hello.name);
  row.instance = instance_of(connection, hello);
  for (const auto& [name, value] : hello.labels) row.labels.emplace_back(name, value);
  for (const auto ns : hello.follow_ns) row.applied.emplace(ns, Seq{});
  row.under.assign(hello.follow_under.begin(), hello.follow_under.end());
  std::sort(row.under.begin(), row.under.end());
  row.since = row.last_seen = now.wall;
  row.seen = now.steady;
  row.text_bytes = text;
  row.place = by_seen_.insert(by_seen_.end(), connection);
  text_bytes_ += text;
  names_ += row.applied.size();
  return &row;
}

Follower* FollowerTable::find(ConnectionId connection) {
  const auto it = rows_.find(connection);
  return it == rows_.end() ? nullptr : &it->second;
}

void FollowerTable::remove(ConnectionId connection) {
  const auto it = rows_.find(connection);
  if (it == rows_.end()) return;
  by_seen_.erase(it->second.place);
  text_bytes_ -= it->second.text_bytes;
  names_ -= it->second.applied.size();
  const auto own = instances_.find(it->second.peers->identity);
  std::erase(own->second.connections, connection);
  if (own->second.connections.empty()) instances_.erase(own);
  rows_.erase(it);
}

void FollowerTable::touch(Follower& follower, Now now) {
  follower.last_seen = now.wall;
  follower.seen = now.steady;
  by_seen_.splice(by_seen_.end(), by_seen_, follower.place);
}

void FollowerTable::keep(Follower& follower, Rejection rejection) {
  const auto size_of = [](const Rejection& r) { return r.ns.size() + r.key.size() + r.reason.size(); };
  const auto count = [&](std::size_t more, std::size_t less) {
    text_bytes_ += more - less;
    follower.text_bytes += more - less;
  };
  const auto same = [&](const Rejection& r) {
    return r.seq == rejection.seq && r.ns == rejection.ns && r.key == rejection.key;
  };
  if (std::any_of(follower.rejected.begin(), follower.rejected.end(), same)) return;
  ++follower.rejections;
  ++rejections_;
  if (follower.refusals.size() >= kRefusalsKept) follower.refusals.pop_front();
  follower.refusals.emplace_back(xxh3_64(rejection.ns), rejection.seq);
  if (follower.rejected.size() >= limits::kRejectionsKept) {
    count(0, size_of(follower.rejected.front()));
    follower.rejected.pop_front();
  }
  if (text_bytes_ + size_of(rejection) > kTextBytesMax) return;
  count(size_of(rejection), 0);
  follower.rejected.push_back(std::move(rejection));
}

const Follower* FollowerTable::overdue(Steady now) const {
  if (by_seen_.empty()) return nullptr;
  const Follower& oldest = rows_.find(by_seen_.front())->second;
  return oldest.seen + forget_after() <= now ? &oldest : nullptr;
}

std::optional<Steady> FollowerTable::next_overdue() const {
  if (by_seen_.empty()) return std::nullopt;
  return rows_.find(by_seen_.front())->second.seen + forget_after();
}

std::size_t FollowerTable::silent(Steady now) const {
  std::size_t n = 0;
  for (const ConnectionId connection : by_seen_) {
    if (n == kSilentCounted || rows_.find(connection)->second.seen + silent_after() > now) break;
    ++n;
  }
  return n;
}

std::chrono::milliseconds FollowerTable::ack_interval() const {
  const auto all = kAckCost * static_cast<std::int64_t>(rows_.size());
  const auto affordable = std::chrono::duration_cast<std::chrono::milliseconds>(all * 100 / kAckPercent);
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      kAckPatience * static_cast<std::int64_t>(rows_.size()));
  return std::max(
      ack_, std::min({affordable, std::max<std::chrono::milliseconds>(patience, kAckPatienceMin), kAckMax}));
}

std::chrono::milliseconds FollowerTable::forget_after() const {
  return std::max<std::chrono::milliseconds>(kForgottenAfter, 30 * ack_interval());
}

}  // namespace prismbus

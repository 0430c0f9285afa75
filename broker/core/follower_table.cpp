#include "broker/core/follower_table.hpp"

#include <algorithm>

#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

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

Follower* FollowerTable::add(ConnectionId connection, const HelloRequest& hello, const Principal& principal,
                             Now now) {
  std::size_t text = hello.name.size() + hello.instance.size();
  for (const auto& [name, value] : hello.labels) text += name.size() + value.size();
  for (const auto ns : hello.follow_ns) text += ns.size();
  for (const auto ns : hello.follow_under) text += ns.size();
  if (rows_.size() >= kRowsMax || text_bytes_ + text > kTextBytesMax ||
      !has_room_for(hello.follow_ns.size())) {
    return nullptr;
  }
  Follower& row = rows_[connection];
  row.connection = connection;
  row.order = ++last_order_;
  row.principal = principal.name;
  row.name = std::string(hello.name);
  row.instance =
      hello.instance.empty() ? "#" + std::to_string(connection.value()) : std::string(hello.instance);
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
  ++follower.rejections;
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

std::chrono::milliseconds FollowerTable::ack_interval() const {
  const auto all = kAckCost * static_cast<std::int64_t>(rows_.size());
  const auto affordable = std::chrono::duration_cast<std::chrono::milliseconds>(all * 100 / kAckPercent);
  return std::max(ack_, std::min(affordable, kAckMax));
}

std::chrono::milliseconds FollowerTable::forget_after() const {
  return std::max<std::chrono::milliseconds>(kForgottenAfter, 30 * ack_interval());
}

}  // namespace prismbus

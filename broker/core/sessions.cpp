#include "broker/core/sessions.hpp"

#include <algorithm>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kRingMin = 8;
// Twice what is remembered: a write in flight never takes the place of an outcome that still counts.
constexpr std::size_t kRingMax = 2 * limits::kSessionWrites;
constexpr std::chrono::seconds kSweepInterval{1};

bool expired(Wall last_write, Wall now) {
  return last_write + limits::kSessionLife < now;
}

bool remembers(std::uint64_t highest, std::uint64_t n) {
  return n > highest || highest - n < limits::kSessionWrites;
}

}  // namespace

std::string_view Sessions::name_of(std::string_view by, std::string_view session) {
  scratch_.assign(by);
  scratch_ += '\0';
  scratch_ += session;
  return scratch_;
}

Result<void> Sessions::load(Wall at) {
  const auto headers = state_.session_headers(at - limits::kSessionLife);
  if (!headers) return tl::unexpected(headers.error());
  for (const auto& header : *headers) {
    Session session;
    session.highest = header.highest;
    session.last_write = header.last_write;
    session.complete = false;
    if (sessions_.emplace(name_of(header.by, header.session), std::move(session)).second)
      ++held_by_[header.by];
  }
  return {};
}

Sessions::Outcome* Sessions::find(Session& session, std::uint64_t n) {
  if (session.ring.empty()) return nullptr;
  Outcome& slot = session.ring[n & (session.ring.size() - 1)];
  return slot.rev != Revision{} && slot.n == n ? &slot : nullptr;
}

void Sessions::place(Session& session, Outcome outcome) {
  if (session.ring.empty()) session.ring.resize(kRingMin);
  const auto remembered = [&session](const Outcome& o) {
    return o.rev != Revision{} && (o.pending || remembers(session.highest, o.n));
  };
  for (;;) {
    Outcome& slot = session.ring[outcome.n & (session.ring.size() - 1)];
    if (slot.n == outcome.n || !remembered(slot) || session.ring.size() >= kRingMax) {
      slot = outcome;
      return;
    }
    std::vector<Outcome> grown(session.ring.size() * 2);
    for (const Outcome& o : session.ring) {
      if (remembered(o)) grown[o.n & (grown.size() - 1)] = o;
    }
    session.ring = std::move(grown);
  }
}

// True: even in the largest ring `n` has the slot of an outcome that still counts. Then it has that slot in
// the present ring too, whatever its size.
bool Sessions::too_far_apart(const Session& session, std::uint64_t n) {
  if (session.ring.empty()) return false;
  const Outcome& slot = session.ring[n & (session.ring.size() - 1)];
  return slot.rev != Revision{} && slot.n != n && slot.n % kRingMax == n % kRingMax &&
         (slot.pending || remembers(session.highest, slot.n));
}

Result<void> Sessions::complete(std::string_view by, std::string_view session, Session& entry) {
  const auto stored = state_.find_session(by, session);
  if (!stored) return tl::unexpected(stored.error());
  if (*stored) {
    for (const auto& [n, rev] : (*stored)->outcomes) {
      if (remembers(entry.highest, n) && find(entry, n) == nullptr) place(entry, {n, rev, false});
    }
  }
  entry.complete = true;
  return {};
}

Result<Sessions::Standing> Sessions::look(std::string_view by, std::string_view session, std::uint64_t n,
                                          Wall now) {
  auto it = sessions_.find(name_of(by, session));
  if (it != sessions_.end() && it->second.pending == 0 && expired(it->second.last_write, now)) {
    forget(it);
    it = sessions_.end();
  }
  if (it == sessions_.end()) {
    if (auto admitted = admit_new(by, now); !admitted) return tl::unexpected(admitted.error());
    return Standing{};
  }
  Session& entry = it->second;
  if (!entry.complete) {
    if (auto done = complete(by, session, entry); !done) return tl::unexpected(done.error());
  }
  if (!remembers(entry.highest, n)) {
    return fail_field("req", "the outcome of this request is no longer known; it may have been applied");
  }
  const Outcome* known = find(entry, n);
  if (known == nullptr) {
    if (entry.pending >= limits::kSessionWrites || too_far_apart(entry, n)) {
      return tl::unexpected(overloaded("over 1,024 writes of this session are in flight", 20));
    }
    return Standing{};
  }
  return known->pending ? Standing{{}, known->rev} : Standing{known->rev, {}};
}

Result<void> Sessions::admit_new(std::string_view by, Wall now) {
  const auto full = [&] {
    const auto held = held_by_.find(by);
    return sessions_.size() >= limits_.sessions ||
           (held != held_by_.end() && held->second >= limits_.sessions_per_principal);
  };
  if (full()) forget_expired(now);
  if (full()) return tl::unexpected(overloaded("too many sessions of request ids are held", 60'000));
  return {};
}

void Sessions::forget_expired(Wall now) {
  if (now < swept_ + kSweepInterval) return;
  swept_ = now;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    it = it->second.pending == 0 && expired(it->second.last_write, now) ? forget(it) : std::next(it);
  }
}

Sessions::Table::iterator Sessions::forget(Table::iterator at) {
  const auto held = held_by_.find(std::string_view(at->first).substr(0, at->first.find('\0')));
  if (--held->second == 0) held_by_.erase(held);
  return sessions_.erase(at);
}

Sessions::Session& Sessions::hold(const StoredTransaction& txn) {
  const auto name = name_of(txn.by, txn.req->session);
  auto it = sessions_.find(name);
  if (it == sessions_.end()) {
    it = sessions_.emplace(name, Session{}).first;
    ++held_by_[txn.by];
  }
  return it->second;
}

void Sessions::add_pending(const StoredTransaction& txn) {
  if (!txn.req) return;
  Session& session = hold(txn);
  ++session.pending;
  place(session, {txn.req->n, txn.rev, true});
}

void Sessions::apply(const StoredTransaction& txn) {
  if (!txn.req) return;
  Session& session = hold(txn);
  // Read back at a start after it was over: this write began it anew.
  if (session.pending == 0 && session.last_write != Wall{} && expired(session.last_write, txn.time))
    session = Session{};
  if (Outcome* known = find(session, txn.req->n); known != nullptr && known->pending) {
    known->pending = false;
    --session.pending;
  } else {
    place(session, {txn.req->n, txn.rev, false});
  }
  session.highest = std::max(session.highest, txn.req->n);
  session.last_write = std::max(session.last_write, txn.time);
}

void Sessions::drop(const StoredTransaction& txn) {
  if (!txn.req) return;
  const auto it = sessions_.find(name_of(txn.by, txn.req->session));
  PRISMBUS_ASSERT(it != sessions_.end() && it->second.pending > 0, "a pending write holds its session");
  --it->second.pending;
  if (Outcome* known = find(it->second, txn.req->n)) *known = {};
  // A session that never had an applied write is not remembered.
  if (it->second.pending == 0 && it->second.highest == 0 && it->second.last_write == Wall{}) forget(it);
}

}  // namespace prismbus

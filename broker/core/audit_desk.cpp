#include "broker/core/audit_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/core/told_names.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 100;
constexpr std::size_t kTokenChars = 16;  // of its hash: enough to find it again

// The namespaces a request names.
struct NamesOf {
  std::vector<std::string> names;
  template <class Body>
  void operator()(const Body& body) {
    if constexpr (requires { std::string(body.ns); }) {
      tell_name(names, body.ns);
    } else if constexpr (requires { std::string(*body.ns); }) {
      if (body.ns) tell_name(names, *body.ns);
    }
  }
  void operator()(const TxnRequest& txn) {
    for (const auto& item : txn.changes) tell_name(names, item.ns);
  }
};

std::vector<std::string> names_of(const RequestBody& body) {
  NamesOf of;
  std::visit([&of](const auto& known) { of(known); }, body);
  return std::move(of.names);
}

}  // namespace

void AuditDesk::note_login(const ReplyTo& from, const Principal& principal, Now now) {
  if (queues_.orders == nullptr || principal.token_hash.empty()) return;
  AuditEntry entry;
  entry.what = "login";
  entry.by = principal.name;
  entry.from = door_.origin_of(from.connection);
  entry.note = "token " + principal.token_hash.substr(0, kTokenChars);
  note(std::move(entry), now);
}

void AuditDesk::note_refused(const ReplyTo& from, const Request& request, std::string_view by,
                             const Error& error, Now now) {
  if (queues_.orders == nullptr) return;
  const bool of_rights =
      error.code == ErrorCode::permission_denied || error.code == ErrorCode::unauthenticated;
  const auto names = names_of(request.body);
  const bool of_rules =
      error.code == ErrorCode::rejected &&
      std::any_of(names.begin(), names.end(), [](const auto& ns) { return is_system_namespace(ns); });
  if (!of_rights && !of_rules) return;
  AuditEntry entry;
  entry.what = "refused";
  entry.by = by;
  entry.from = door_.origin_of(from.connection);
  entry.op = codec::op_of(request.body);
  entry.code = error_row(error.code).name;
  entry.ns = names;
  note(std::move(entry), now);
}

void AuditDesk::note_refused_names(const ReplyTo& from, std::string_view by, const RefusedNames& refused,
                                   Now now) {
  if (queues_.orders == nullptr || refused.ns.empty()) return;
  AuditEntry entry;
  entry.what = "refused";
  entry.by = by;
  entry.from = door_.origin_of(from.connection);
  entry.op = refused.op;
  entry.code = error_row(ErrorCode::permission_denied).name;
  entry.ns = refused.ns;
  note(std::move(entry), now);
}

void AuditDesk::note(AuditEntry entry, Now now) {
  entry.time = now.wall;
  if (!notes_.take(entry, now)) return;
  if (tap_ != nullptr && entry.what == "refused") {
    tap_->on_notice({.what = Notice::What::refused,
                     .time = entry.time,
                     .principal = entry.by,
                     .from = entry.from,
                     .op = std::string(entry.op),
                     .code = std::string(entry.code),
                     .names = entry.ns});
  }
  keep(std::move(entry));
}

void AuditDesk::keep(AuditEntry entry) {
  if (noted_.entries.size() < kUnsentMax) {
    noted_.entries.push_back(std::move(entry));
  } else {
    ++lost_;
  }
}

bool AuditDesk::holds(const Asked& asked, const WriteIntent* intent) {
  if (queues_.orders == nullptr || asked.audited || asked.from.connection == kBrokerItself) return false;
  // Of an answer in pages the first one is told.
  const auto* audit = std::get_if<AuditRequest>(&asked.request.body);
  if (audit != nullptr && audit->page.after) return false;
  AuditEntry entry;
  if (intent != nullptr) {
    entry.note = intent->options.note.value_or(std::string_view());
    for (const auto& item : intent->items) {
      if (!is_system_namespace(item.ns)) continue;
      tell_name(entry.ns, item.ns);
      tell_name(entry.keys, item.key);
    }
    if (intent->rollback != nullptr && is_system_namespace(intent->rollback->ns))
      tell_name(entry.ns, intent->rollback->ns);
    if (entry.ns.empty()) return false;
  } else {
    entry.ns = names_of(asked.request.body);
  }
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  if (held_.size() >= kHeldMax) {
    refuse(overloaded("too many operations wait for the audit file", kComeBackAfterMs));
    return true;
  }
  const auto place = in_flight_.keep(asked);
  if (!place) {
    refuse(place.error());
    return true;
  }
  entry.what = "admin";
  entry.by = asked.principal.name;
  entry.from = door_.origin_of(asked.from.connection);
  entry.op = codec::op_of(asked.request.body);
  entry.time = asked.now.wall;
  send_noted(asked.now);  // in the order in which they happened
  AuditOrder order;
  order.ticket = ++last_ticket_;
  order.entries.push_back(std::move(entry));
  if (!queues_.orders->try_push(std::move(order))) {
    in_flight_.release(*place);
    refuse(overloaded("too many lines wait for the audit file", kComeBackAfterMs));
    return true;
  }
  held_.emplace(last_ticket_, Held{asked.from, asked.id(), std::string(asked.payload), *place});
  return true;
}

void AuditDesk::send_noted(Now now) {
  std::vector<AuditEntry>& entries = noted_.entries;
  if (lost_ > 0 && entries.size() < kUnsentMax) {
    AuditEntry lost;
    lost.what = "lost";
    lost.time = now.wall;
    lost.times = std::exchange(lost_, 0);
    entries.push_back(std::move(lost));
  }
  // What is not taken is left as it was.
  if (!entries.empty() && queues_.orders->try_push(std::move(noted_))) noted_ = AuditOrder();
}

std::size_t AuditDesk::step(Now now, bool ending, const Enter& enter) {
  if (queues_.orders == nullptr) return 0;
  news_.clear();
  queues_.news->drain(news_);
  for (AuditEntry& entry : news_) {
    entry.time = now.wall;
    keep(std::move(entry));
  }
  notes_.take_due(now, ending, noted_.entries);
  send_noted(now);
  outcomes_.clear();
  queues_.outcomes->drain(outcomes_);
  const std::size_t done = outcomes_.size();
  for (const AuditOutcome& outcome : std::exchange(outcomes_, {})) {
    const auto held = held_.extract(outcome.ticket);
    const Held& one = held.mapped();
    in_flight_.release(one.place);
    outcome.refused ? replier_.refuse(one.to, one.id, *outcome.refused) : enter(one.to, one.payload);
  }
  return done;
}

}  // namespace prismbus

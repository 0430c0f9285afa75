#include "broker/gateway/live/live_subscription.hpp"

#include <algorithm>
#include <functional>

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "broker/gateway/live/server_message.hpp"
#include "proto/base/assert.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/writer.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kSinceNames = 1000;  // of one request for what is missing

std::string encode_since(const std::vector<std::pair<std::string, Seq>>& names) {
  std::string encoded;
  codec::Writer writer(encoded);
  writer.map(static_cast<std::uint32_t>(names.size()));
  for (const auto& [ns, seq] : names) writer.field(std::string_view(ns), seq.value());
  return encoded;
}

// A set of a page of `changes`, as far as it has to be understood here.
struct PageSet {
  std::string ns;
  Revision rev;
  Seq seq;
  SharedText text;  // null: no change of it matches
};

std::optional<PageSet> page_set(Value& set, const std::string& glob) {
  const Value *ns = set.find("ns"), *rev = set.find("rev"), *seq = set.find("seq");
  const Value* changes = set.find("changes");
  if (ns == nullptr || rev == nullptr || seq == nullptr || changes == nullptr) return std::nullopt;
  const auto* name = ns->as<std::string>();
  const auto *revision = rev->as<std::uint64_t>(), *number = seq->as<std::uint64_t>();
  if (name == nullptr || revision == nullptr || number == nullptr || !changes->is<Value::Array>())
    return std::nullopt;
  PageSet out{*name, Revision(*revision), Seq(*number), nullptr};
  if (auto text = change_text(set, glob)) out.text = std::make_shared<const std::string>(std::move(*text));
  return out;
}

}  // namespace

LiveSubscription::LiveSubscription(SubscribeMessage wish, const ReaderRights& rights)
    : wish_(std::move(wish)), rights_at_(rights.now()) {
  heads_.emplace(wish_.ns, wish_.subtree, wish_.epoch);
}

std::string LiveSubscription::request() {
  wants_to_ask_ = false;
  asked_ = true;
  if (phase_ == Phase::heads) return heads_->request();
  CoreRequest request(phase_ == Phase::entries ? "list" : "changes", std::nullopt);
  request.set_epoch(epoch_);
  if (phase_ == Phase::entries) {
    request.set_text("ns", roots_.back());
    request.set_flag("subtree", wish_.subtree);
    request.set_number("at", position_.value());
    if (!wish_.glob.empty()) request.set_text("glob", wish_.glob);
  } else if (phase_ == Phase::since) {
    request.set("since", encode_since(asked_since_));
  } else if (wish_.subtree) {
    request.set_text("under", wish_.ns);
    request.set_number("since_rev", position_.value());
  } else {
    request.set("since", encode_since({{wish_.ns, seq_}}));
  }
  if (!after_.empty()) request.set_bin("after", after_);
  return request.payload();
}

void LiveSubscription::on_reply(std::string_view payload, const SubscriptionRoom& room) {
  asked_ = false;
  switch (phase_) {
    case Phase::heads:
      return on_heads(payload, room);
    case Phase::entries:
      return on_entries(payload, room);
    case Phase::since:
    case Phase::behind:
      return on_changes(payload, room);
    case Phase::live:
    case Phase::ended:
      return;
  }
}

void LiveSubscription::on_heads(std::string_view payload, const SubscriptionRoom& room) {
  const auto done =
      heads_->on_reply(payload, room.log, [&](std::string_view ns) { return room.rights.may_read(ns); });
  if (!done) return end(done.error(), room);
  wants_to_ask_ = true;
  if (!*done) return;
  position_ = heads_->rev(), epoch_ = heads_->epoch();
  if (!wish_.subtree) seq_ = heads_->heads().at(wish_.ns).seq;
  if (wish_.since) {
    for (const auto& [ns, head] : heads_->heads()) {
      const auto it = wish_.since->find(ns);
      const Seq told = it == wish_.since->end() ? Seq() : it->second;
      // Also where the client is ahead: the core says what is wrong with that.
      if (told != head.seq) missing_.emplace_back(ns, told);
    }
    if (missing_.empty()) return tell_subscribed(room);  // as most who come back soon
    return next_since_batch();
  }
  // Of the beginning of history there is nothing to read, and no revision 0 to read it at.
  if (wish_.snapshot && position_.value() > 0) set_roots();
  if (roots_.empty()) return tell_subscribed(room);
  phase_ = Phase::entries;
}

// `list` takes a namespace: everything is what is below each first segment.
void LiveSubscription::set_roots() {
  if (!wish_.ns.empty()) return roots_.push_back(wish_.ns);
  for (const auto& [ns, head] : heads_->heads()) {
    const std::string_view root = std::string_view(ns).substr(0, ns.find('.'));
    if (roots_.empty() || roots_.back() != root) roots_.emplace_back(root);
  }
  std::sort(roots_.begin(), roots_.end(), std::greater<>());
  roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());
}

void LiveSubscription::next_since_batch() {
  phase_ = Phase::since;
  after_.clear();
  asked_since_.clear();
  while (!missing_.empty() && asked_since_.size() < kSinceNames) {
    asked_since_.push_back(std::move(missing_.back()));
    missing_.pop_back();
  }
}

void LiveSubscription::on_entries(std::string_view payload, const SubscriptionRoom& room) {
  const auto reply = codec::decode_reply(payload);
  if (!reply) return end(reply.error(), room);
  if (reply->error) return end(*reply->error, room);
  const auto page = codec::decode_entries_reply(*reply);
  const auto tree = reply_tree(payload);
  if (!page || !tree) return end(page ? tree.error() : page.error(), room);
  const Value* entries = tree->find("entries");
  PRISMBUS_ASSERT(entries != nullptr, "a decoded page has its entries");
  after_ = page->after.value_or("");
  if (!page->more) roots_.pop_back();
  room.out.push(snapshot_message(wish_.id, to_json(*entries), !roots_.empty()), room.now);
  if (!roots_.empty()) {
    wants_to_ask_ = true;
  } else {
    tell_subscribed(room);
  }
}

void LiveSubscription::on_changes(std::string_view payload, const SubscriptionRoom& room) {
  const auto reply = codec::decode_reply(payload);
  if (!reply) return end(reply.error(), room);
  if (reply->error) return end(*reply->error, room);
  const auto page = codec::decode_changes_reply(*reply);
  auto tree = reply_tree(payload);
  if (!page || !tree) return end(page ? tree.error() : page.error(), room);
  if (!page->failed.empty()) {
    Error error = page->failed.front().second;
    error.ns = page->failed.front().first;
    return end(error, room);
  }
  for (Value& item : *tree->find("sets")->as<Value::Array>()) {
    auto set = page_set(item, wish_.glob);
    PRISMBUS_ASSERT(set.has_value(), "a decoded page has its sets");
    // Joining, what is behind the heads' revision comes from the log; later, what is up to the position was
    // told.
    if (phase_ == Phase::since ? set->rev > position_ : set->rev <= position_) continue;
    tell(set->ns, set->seq, std::move(set->text), room);
    if (ended()) return;
  }
  after_ = page->after.value_or("");
  wants_to_ask_ = page->more;
  if (page->more) return;
  if (phase_ == Phase::since) {
    if (missing_.empty()) return tell_subscribed(room);
    next_since_batch();
    wants_to_ask_ = true;
  } else {
    position_ = reply->rev;
    after_.clear();
    pump(room);
  }
}

void LiveSubscription::tell_subscribed(const SubscriptionRoom& room) {
  room.out.push(subscribed_message(wish_.id, epoch_, heads_->json()), room.now);
  heads_.reset();
  after_.clear();
  phase_ = Phase::behind;
  wants_to_ask_ = false;
  pump(room);
}

void LiveSubscription::pump(const SubscriptionRoom& room) {
  while (phase_ == Phase::behind && !paused_ && !asked_ && !wants_to_ask_ && after_.empty()) {
    if (!room.log.covers(position_)) {
      wants_to_ask_ = true;
      return;
    }
    const LiveLog::Item* item = room.log.next(position_);
    if (item == nullptr) {
      phase_ = Phase::live;
      return;
    }
    if (!room.out.has_spare_room()) return;
    for (const LiveSet& set : item->sets) {
      const std::string& ns = set.set().ns;
      if (wish_.subtree ? !is_under(ns, wish_.ns) || !room.rights.may_read(ns) : ns != wish_.ns) continue;
      tell(ns, set.set().seq, set.text(wish_.glob), room);
      if (ended()) return;
    }
    position_ = item->txn->rev;
  }
}

void LiveSubscription::on_set(const LiveLog::Item& item, const LiveSet& set, const SubscriptionRoom& room) {
  if (phase_ != Phase::live) return;
  const std::string& ns = set.set().ns;
  if (paused_) {
    phase_ = Phase::behind;
    position_ = Revision(item.txn->rev.value() - 1);
    return;
  }
  if (wish_.subtree && !room.rights.may_read(ns)) return;
  if (!room.out.has_room()) return end_with_gap(ns, Seq(set.set().seq.value() - 1), room);
  tell(ns, set.set().seq, set.text(wish_.glob), room);
}

void LiveSubscription::on_hole(std::optional<Revision> up_to) {
  if (phase_ != Phase::live) return;
  phase_ = Phase::behind;
  if (up_to) position_ = std::max(position_, *up_to);
}

void LiveSubscription::tell(std::string_view ns, Seq seq, SharedText text, const SubscriptionRoom& room) {
  if (wish_.subtree && seq.value() > 1 && room.rights.hidden_since(rights_at_, ns))
    return end_with_gap(ns, Seq(), room);
  if (!wish_.subtree) seq_ = seq;
  if (text) room.out.push(change_message(wish_.id, std::move(text)), room.now);
}

void LiveSubscription::on_rights(const SubscriptionRoom& room) {
  if (ended() || wish_.subtree) return;
  if (const auto may = room.rights.access()->authorise(Right::read, wish_.ns); !may) end(may.error(), room);
}

void LiveSubscription::end(const Error& error, const SubscriptionRoom& room) {
  room.out.push(error_message(wish_.id, error), room.now);
  phase_ = Phase::ended;
  wants_to_ask_ = false;
}

void LiveSubscription::end_with_gap(std::string_view ns, Seq told, const SubscriptionRoom& room) {
  room.out.push(gap_message(wish_.id, ns, told), room.now);
  phase_ = Phase::ended;
  wants_to_ask_ = false;
}

}  // namespace prismbus

#include "subscriber/delivery/subscription_record.hpp"

#include <algorithm>
#include <array>

namespace prismbus {
namespace {

// List node and index entry of the queue besides the record itself, about.
constexpr std::size_t kBookkeeping = 128;

std::size_t text_bytes(const SubscriptionEvent& e) {
  return e.ns.size() + e.key.size() + e.by.size() + e.why.size() + (e.note ? e.note->size() : 0) +
         (e.before ? e.before->bytes.size() : 0) + (e.after ? e.after->bytes.size() : 0);
}

}  // namespace

std::string_view name_of(SubscriptionEvent::Kind kind) {
  static constexpr std::array<std::string_view, 7> kNames{
      "added", "changed", "deleted", "namespace_changed", "state_changed", "grew_stale", "resync"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(QueuePolicy policy) {
  static constexpr std::array<std::string_view, 3> kNames{"block", "latest_only", "resync"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::size_t SubscriptionRecord::bytes_of(const SubscriptionEvent& event) {
  return sizeof(SubscriptionRecord) + kBookkeeping + text_bytes(event);
}

SubscriptionRecord::SubscriptionRecord(const SubscriptionEvent& lent)
    : event_(lent), block_(new char[text_bytes(lent)]), bytes_(bytes_of(lent)) {
  char* at = block_.get();
  const auto own = [&](std::string_view& view) {
    char* const begin = at;
    at = std::copy(view.begin(), view.end(), at);
    view = {begin, view.size()};
  };
  own(event_.ns);
  own(event_.key);
  own(event_.by);
  own(event_.why);
  if (event_.note) own(*event_.note);
  if (event_.before) own(event_.before->bytes);
  if (event_.after) own(event_.after->bytes);
}

std::optional<SubscriptionEvent> net_of(const SubscriptionEvent& older, const SubscriptionEvent& newer) {
  using Kind = SubscriptionEvent::Kind;
  SubscriptionEvent net = newer;
  net.resync = older.resync || newer.resync;
  if (newer.kind == Kind::namespace_changed) {
    net.changes = older.changes + newer.changes;
    return net;
  }
  if (newer.kind == Kind::grew_stale) return net;
  if (newer.kind == Kind::state_changed) {
    net.state_before = older.state_before;
    if (net.state_before == net.state_after) return std::nullopt;
    return net;
  }
  const bool was = older.kind != Kind::added, is = newer.kind != Kind::deleted;
  if (!was && !is) return std::nullopt;
  net.kind = !was ? Kind::added : is ? Kind::changed : Kind::deleted;
  net.before = older.before;
  return net;
}

}  // namespace prismbus

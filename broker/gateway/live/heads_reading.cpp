#include "broker/gateway/live/heads_reading.hpp"

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "proto/base/assert.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr int kTries = 8;

}  // namespace

std::string HeadsReading::request() const {
  CoreRequest request("namespaces", std::nullopt);
  if (asked_epoch_) request.set_epoch(*asked_epoch_);
  request.set_text("under", ns_);
  if (!subtree_) request.set_number("limit", 1);
  if (!after_.empty()) request.set_bin("after", after_);
  return request.payload();
}

Result<bool> HeadsReading::on_reply(std::string_view payload, const LiveLog& log, const MayRead& may_read) {
  const auto reply = codec::decode_reply(payload);
  if (!reply) return tl::unexpected(reply.error());
  if (reply->error) return tl::unexpected(*reply->error);
  const auto page = codec::decode_namespaces_reply(*reply);
  if (!page) return tl::unexpected(page.error());
  if (!after_.empty() && !log.covers(rev_)) {
    if (begun_++ == kTries)
      return tl::unexpected(overloaded("more is written than can be followed meanwhile", 1000));
    heads_.clear();
    after_.clear();
    return false;
  }
  if (!after_.empty()) catch_up(reply->rev, log, may_read);
  rev_ = reply->rev, epoch_ = reply->epoch;
  for (const NamespaceRow& row : page->namespaces) {
    if (subtree_ || row.ns == ns_) heads_[row.ns] = row.head;
  }
  after_ = page->more && subtree_ ? page->after.value_or("") : "";
  if (!after_.empty()) return false;
  if (!subtree_) heads_.try_emplace(ns_);  // one that never had a transaction is at seq 0
  return true;
}

void HeadsReading::catch_up(Revision to, const LiveLog& log, const MayRead& may_read) {
  for (const LiveLog::Item* item = log.next(rev_); item != nullptr && item->txn->rev <= to;
       item = log.next(item->txn->rev)) {
    for (const auto& set : item->txn->sets) {
      const auto it = heads_.find(set->ns);
      if (it == heads_.end() && !(is_under(set->ns, ns_) && may_read(set->ns))) continue;
      Head& head = it == heads_.end() ? heads_[set->ns] : it->second;
      head.seq = set->seq, head.rev = item->txn->rev, head.time = item->txn->time;
      head.hash = set->after.hash, head.lane = set->lane;
    }
  }
}

std::string HeadsReading::json() const {
  std::string encoded;
  codec::Writer writer(encoded);
  writer.map(1);
  writer.name("heads");
  writer.map(static_cast<std::uint32_t>(heads_.size()));
  for (const auto& [ns, head] : heads_) {
    writer.text(ns);
    codec::encode_head(writer, head);
  }
  const auto tree = reply_tree(encoded);
  PRISMBUS_ASSERT(tree.has_value(), "written here");
  return to_json(*tree->find("heads"));
}

}  // namespace prismbus

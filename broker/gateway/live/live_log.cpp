#include "broker/gateway/live/live_log.hpp"

#include <algorithm>

#include "broker/gateway/http/reply_json.hpp"
#include "proto/base/assert.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kPartsMax = 64;  // texts of one set for different globs; more are made for each socket

std::string text_of(const StoredSet& set, const std::string& glob) {
  std::string encoded;
  codec::Writer writer(encoded);
  codec::encode_set_with_ns(writer, set.ns, set.encoded);
  auto tree = reply_tree(encoded);
  PRISMBUS_ASSERT(tree.has_value(), "a sequenced set is MessagePack");
  auto text = change_text(*tree, glob);
  PRISMBUS_ASSERT(text.has_value(), "some change matches");
  return std::move(*text);
}

}  // namespace

std::optional<std::string> change_text(Value& set, const std::string& glob) {
  auto& changes = *set.find("changes")->as<Value::Array>();
  if (!glob.empty()) {
    std::erase_if(changes, [&](const Value& change) {
      const Value* key = change.find("key");
      return key == nullptr || !key->is<std::string>() || !glob_matches(glob, *key->as<std::string>());
    });
  }
  if (changes.empty()) return std::nullopt;
  std::string text = to_json(set);
  text.erase(0, 1);
  return text;
}

SharedText LiveSet::text(const std::string& glob) const {
  const auto& changes = set_->changes;
  const auto matches = [&](const StoredChange& change) { return glob_matches(glob, change.key); };
  const bool all = glob.empty() || std::all_of(changes.begin(), changes.end(), matches);
  if (all) {
    if (!whole_) {
      whole_ = std::make_shared<const std::string>(text_of(*set_, {}));
      *text_bytes_ += whole_->size();
    }
    return whole_;
  }
  if (std::none_of(changes.begin(), changes.end(), matches)) return nullptr;
  const auto it = std::find_if(parts_.begin(), parts_.end(), [&](const auto& p) { return p.first == glob; });
  if (it != parts_.end()) return it->second;
  auto part = std::make_shared<const std::string>(text_of(*set_, glob));
  if (parts_.size() < kPartsMax && *text_bytes_ + part->size() <= LiveLog::kTextBytesMax) {
    parts_.emplace_back(glob, part);
    *text_bytes_ += part->size();
  }
  return part;
}

std::size_t LiveSet::kept_bytes() const {
  std::size_t bytes = whole_ ? whole_->size() : 0;
  for (const auto& [glob, part] : parts_) bytes += part->size();
  return bytes;
}

const LiveLog::Item& LiveLog::add(TransactionPtr txn) {
  const Revision before(txn->rev.value() - 1);
  if (last() != before) miss(before);
  Item item;
  item.bytes = txn->memory_bytes();
  item.sets.reserve(txn->sets.size());
  for (const auto& set : txn->sets) item.sets.emplace_back(*set, text_bytes_);
  item.txn = std::move(txn);
  bytes_ += item.bytes;
  items_.push_back(std::move(item));
  while (is_full()) drop_oldest();
  return items_.back();
}

bool LiveLog::is_full() const {
  if (items_.size() > kTransactionsMax) return true;
  return items_.size() > 1 && (bytes_ > kBytesMax || text_bytes_ > kTextBytesMax);
}

void LiveLog::drop_oldest() {
  const Item& oldest = items_.front();
  base_ = oldest.txn->rev;
  bytes_ -= oldest.bytes;
  for (const LiveSet& set : oldest.sets) text_bytes_ -= set.kept_bytes();
  items_.pop_front();
}

void LiveLog::miss(Revision up_to) {
  clear();
  base_ = up_to;
}

void LiveLog::clear() {
  items_.clear();
  bytes_ = text_bytes_ = 0;
  base_.reset();
}

std::optional<Revision> LiveLog::last() const {
  return items_.empty() ? base_ : std::optional(items_.back().txn->rev);
}

const LiveLog::Item* LiveLog::next(Revision behind) const {
  if (items_.empty() || behind >= items_.back().txn->rev) return nullptr;
  const std::uint64_t first = items_.front().txn->rev.value();
  const std::size_t at = behind.value() < first ? 0 : behind.value() + 1 - first;
  return &items_[at];
}

}  // namespace prismbus

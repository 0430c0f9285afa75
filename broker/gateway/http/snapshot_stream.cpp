#include "broker/gateway/http/snapshot_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/gateway/http/number_text.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

constexpr int kHeadReads = 8;  // of the list of namespaces, while writes go on between its pages

class SnapshotStream final : public Exchange {
 public:
  SnapshotStream(const CoreRequest& asked, std::string ns, bool subtree)
      : ns_(std::move(ns)), subtree_(subtree), token_(asked.token()), asked_epoch_(asked.epoch()) {}

  ExchangeStep begin() override { return Ask{heads_request({})}; }

  ExchangeStep on_reply(std::string_view payload) override {
    const auto reply = codec::decode_reply(payload);
    if (!reply) return give_up(reply.error());
    if (reply->error) return give_up(*reply->error);
    return rev_ ? on_entries(*reply, payload) : on_heads(*reply, payload);
  }

 private:
  [[nodiscard]] std::string heads_request(std::string_view after) const {
    CoreRequest request("namespaces", token_);
    if (asked_epoch_) request.set_epoch(*asked_epoch_);
    request.set_text("under", ns_);
    if (!subtree_) request.set_number("limit", 1);
    if (!after.empty()) request.set_bin("after", after);
    return request.payload();
  }
  [[nodiscard]] std::string entries_request(std::string_view after) const {
    CoreRequest request("list", token_);
    request.set_epoch(epoch_);
    request.set_text("ns", ns_);
    request.set_flag("subtree", subtree_);
    request.set_number("at", rev_->value());
    if (!after.empty()) request.set_bin("after", after);
    return request.payload();
  }

  ExchangeStep on_heads(const ReplyHeader& reply, std::string_view payload) {
    const auto page = codec::decode_namespaces_reply(reply);
    if (!page) return give_up(page.error());
    if (std::exchange(heads_begun_, true) && (reply.rev != heads_rev_ || reply.epoch != epoch_))
      return begin_again();
    heads_rev_ = reply.rev, epoch_ = reply.epoch;
    auto tree = reply_tree(payload);
    if (!tree) return give_up(tree.error());
    add_heads(*tree);
    if (page->more && subtree_) return Ask{heads_request(*page->after)};
    rev_ = heads_rev_;
    unsent_ = first_line();
    // Of the beginning of history there is nothing to read, and no revision 0 to read it at.
    if (rev_->value() == 0) return end_after({});
    return Ask{entries_request({})};
  }

  ExchangeStep begin_again() {
    heads_.clear();
    heads_begun_ = false;
    keys_ = 0;
    if (++head_reads_ == kHeadReads)
      return give_up(overloaded("namespaces are made and written all the time", 100));
    return begin();
  }

  void add_heads(Value& tree) {
    Value* rows = tree.find("namespaces");
    auto* items = rows == nullptr ? nullptr : rows->as<Value::Array>();
    if (items == nullptr) return;
    for (Value& row : *items) {
      const Value* name_of_row = row.find("ns");
      const auto* ns = name_of_row == nullptr ? nullptr : name_of_row->as<std::string>();
      if (ns == nullptr || (!subtree_ && *ns != ns_)) continue;
      const Value* keys = row.find("keys");
      if (const auto* n = keys == nullptr ? nullptr : keys->as<std::uint64_t>()) keys_ += *n;
      Value::Map head;
      for (const std::string_view name : {"seq", "rev", "time", "hash", "lane"}) {
        if (Value* field = row.find(name)) head.push_back({Value::text(name), std::move(*field)});
      }
      heads_.push_back({Value::text(*ns), Value::map(std::move(head))});
    }
  }

  [[nodiscard]] std::string first_line() {
    return to_json(Value::map({{Value::text("epoch"), Value::text(hex_text(epoch_.value()))},
                               {Value::text("rev"), Value::number(rev_->value())},
                               {Value::text("heads"), Value::map(std::move(heads_))}})) +
           "\n";
  }

  ExchangeStep on_entries(const ReplyHeader& reply, std::string_view payload) {
    const auto page = codec::decode_entries_reply(reply);
    if (!page) return give_up(page.error());
    auto tree = reply_tree(payload);
    if (!tree) return give_up(tree.error());
    std::string lines = std::exchange(unsent_, {});
    const Value* entries = tree->find("entries");
    if (const auto* items = entries == nullptr ? nullptr : entries->as<Value::Array>()) {
      for (const Value& entry : *items) lines += to_json(entry) + "\n";
      sent_ += items->size();
    }
    started_ = true;
    if (page->more) return Streamed{std::move(lines), entries_request(*page->after)};
    return end_after(std::move(lines));
  }

  // Rights that changed between two pages take away, or add, what the heads do not know of.
  ExchangeStep end_after(std::string text) {
    if (sent_ != keys_)
      return Streamed{
          text + error_text(error_of(ErrorCode::unavailable, "what may be read changed meanwhile")), {}};
    text = std::exchange(unsent_, {}) + text;
    return Streamed{std::move(text) + fmt::format("{{\"end\":true,\"entries\":{}}}\n", sent_), {}};
  }

  ExchangeStep give_up(const Error& error) {
    if (started_) return Streamed{error_text(error), {}};
    return error_response(error);
  }

  const std::string ns_;
  const bool subtree_;
  const std::optional<std::string> token_;
  const std::optional<Epoch> asked_epoch_;
  Epoch epoch_;
  Revision heads_rev_;
  Value::Map heads_;
  bool heads_begun_ = false;
  std::uint64_t keys_ = 0;  // of all heads: so many entries there will be
  int head_reads_ = 0;
  std::optional<Revision> rev_;  // known: the entries are being read
  std::string unsent_;  // the first line goes out with the first entries: until then there may be an error
  bool started_ = false;
  std::uint64_t sent_ = 0;
};

}  // namespace

std::unique_ptr<Exchange> open_snapshot_stream(const CoreRequest& asked, const RouteMatch& match,
                                               const HttpTarget& target) {
  const bool subtree = std::any_of(target.query.begin(), target.query.end(),
                                   [](const auto& p) { return p.first == "subtree" && p.second == "true"; });
  return std::make_unique<SnapshotStream>(asked, match.ns, subtree);
}

}  // namespace prismbus

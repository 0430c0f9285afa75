// A core that is a list of transactions: it answers what the gateway's WebSockets ask of the real one
// (`namespaces`, `list`, `changes`) in pages of a few items, each at the revision of its moment. Shares no
// code with the real one but the codec.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/store/transaction.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/codec/stream.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::testing {

inline std::unique_ptr<StoredSet> stored_set(const std::string& ns, Revision rev, Seq seq,
                                             const std::vector<std::string>& keys,
                                             std::size_t value_bytes = 1) {
  auto set = std::make_unique<StoredSet>();
  set->ns = ns, set->seq = seq;
  set->after.hash = rev.value();
  std::string value;
  codec::Writer(value).text(std::string(value_bytes, 'v'));
  std::vector<codec::ChangeView> views;
  views.reserve(keys.size());
  for (const std::string& key : keys) views.push_back({ChangeOp::put, key, value, seq.value()});
  std::vector<codec::ChangeOffsets> offsets;
  codec::encode_change_set(set->encoded, {Epoch(5), rev, seq, from_micros(1), "me", {}}, views, offsets);
  for (const auto& at : offsets) {
    StoredChange change;
    change.key = std::string_view(set->encoded).substr(at.key_at, at.key_size);
    change.value = std::string_view(set->encoded).substr(at.value_at, at.value_size);
    change.version = seq.value();
    set->changes.push_back(change);
  }
  return set;
}

class FakeCore {
 public:
  std::size_t page = 3;              // items of a page
  std::set<std::string> hidden;      // namespaces that nobody may read
  std::map<std::string, Seq> floor;  // changes up to there are compacted away

  [[nodiscard]] Revision rev() const { return Revision(txns_.size()); }
  [[nodiscard]] const TransactionPtr& at(Revision rev) const { return txns_.at(rev.value() - 1); }

  // One transaction: keys of namespaces.
  TransactionPtr write(const std::map<std::string, std::vector<std::string>>& what,
                       std::size_t value_bytes = 1) {
    auto txn = std::make_shared<StoredTransaction>();
    txn->rev = Revision(txns_.size() + 1);
    for (const auto& [ns, keys] : what)
      txn->sets.push_back(stored_set(ns, txn->rev, Seq(head(ns, rev()).value() + 1), keys, value_bytes));
    txns_.push_back(txn);
    return txn;
  }

  [[nodiscard]] Seq head(std::string_view ns, Revision rev) const {
    for (std::size_t n = rev.value(); n > 0; --n) {
      for (const auto& set : txns_[n - 1]->sets) {
        if (set->ns == ns) return set->seq;
      }
    }
    return Seq();
  }
  [[nodiscard]] std::map<std::string, Seq> heads(const std::string& under, bool subtree, Revision rev) const {
    std::map<std::string, Seq> heads;
    if (!subtree) heads[under] = Seq();
    for (std::size_t n = 0; n < rev.value(); ++n) {
      for (const auto& set : txns_[n]->sets) {
        if (covers(set->ns, under, subtree)) heads[set->ns] = set->seq;
      }
    }
    return heads;
  }
  // (ns, key) of what is there at that revision: nothing is ever deleted.
  [[nodiscard]] std::set<std::pair<std::string, std::string>> entries(const std::string& under, bool subtree,
                                                                      Revision rev,
                                                                      const std::string& glob = {}) const {
    std::set<std::pair<std::string, std::string>> found;
    for (std::size_t n = 0; n < rev.value(); ++n) {
      for (const auto& set : txns_[n]->sets) {
        if (!covers(set->ns, under, subtree)) continue;
        for (const StoredChange& change : set->changes) {
          if (glob.empty() || glob_matches(glob, change.key)) found.emplace(set->ns, std::string(change.key));
        }
      }
    }
    return found;
  }
  [[nodiscard]] const StoredSet* set_of(const std::string& ns, Seq seq) const {
    for (const auto& txn : txns_) {
      for (const auto& set : txn->sets) {
        if (set->ns == ns && set->seq == seq) return set.get();
      }
    }
    return nullptr;
  }

  std::string answer(const std::string& payload) {
    const auto request = codec::decode_request(payload);
    INFO((request ? "" : request.error().error.message));
    REQUIRE(request.has_value());
    asked.push_back(std::string(codec::op_of(request->body)));
    if (const auto* body = std::get_if<NamespacesRequest>(&request->body)) return namespaces(*body);
    if (const auto* body = std::get_if<ListRequest>(&request->body)) return list(*body);
    if (const auto* body = std::get_if<ChangesRequest>(&request->body)) return changes(*body);
    return codec::begin_reply(head_of_reply(), 0);
  }
  std::vector<std::string> asked;  // ops

 private:
  [[nodiscard]] bool covers(const std::string& ns, const std::string& under, bool subtree) const {
    return (subtree ? is_under(ns, under) : ns == under) && !hidden.contains(ns);
  }
  [[nodiscard]] codec::ReplyHead head_of_reply() const { return {MessageId(), Epoch(5), rev()}; }

  // Items behind the cursor, as far as a page goes; each under a cursor of its own, in their order.
  using Items = std::map<std::string, std::function<void(codec::Writer&)>>;
  std::string paged(std::string_view name, const Items& items, const Page& asked_page, bool with_heads) {
    const std::string after(asked_page.after.value_or(""));
    const std::size_t most = std::min<std::size_t>(page, asked_page.limit.value_or(page));
    auto it = after.empty() ? items.begin() : items.upper_bound(after);
    std::string encoded, last;
    codec::Writer writer(encoded);
    std::uint32_t n = 0;
    for (; it != items.end() && n < most && encoded.size() < limits::kPageBytes; ++it, ++n) {
      it->second(writer);
      last = it->first;
    }
    const bool more = it != items.end();
    std::string reply = codec::begin_reply(head_of_reply(), 2 + (more ? 1 : 0) + (with_heads ? 1 : 0));
    codec::Writer out(reply);
    out.text(name);
    out.array(n);
    out.raw(encoded);
    if (with_heads) out.name("heads"), out.map(0);
    out.field("more", more);
    if (more) out.name("after"), out.bin(last);
    return reply;
  }
  static std::string ordered(std::uint64_t n) { return std::to_string(1'000'000 + n); }

  std::string namespaces(const NamespacesRequest& body) {
    Items items;
    for (const auto& [ns, seq] : heads(std::string(body.under), true, rev())) {
      Revision last;
      for (const auto& txn : txns_) {
        for (const auto& set : txn->sets) {
          if (set->ns == ns) last = txn->rev;
        }
      }
      const Head head{seq, last, from_micros(1), last.value(), Lane::changes};
      items[ns] = [ns = ns, head](codec::Writer& out) {
        codec::encode_namespace_row(out, ns, head, 1, 1, false);
      };
    }
    return paged("namespaces", items, body.page, false);
  }
  std::string list(const ListRequest& body) {
    REQUIRE(body.read.at.has_value());
    Items items;
    for (const auto& [ns, key] :
         entries(std::string(body.ns), body.subtree, *body.read.at, std::string(body.glob.value_or("")))) {
      std::string place = ns;
      place.append(1, '\x01').append(key);
      items[place] = [ns = ns, key = key](codec::Writer& out) {
        codec::encode_entry(
            out, {ns, key, std::string_view("\xc0", 1), Revision(1), Revision(1), 1, from_micros(1), "me"});
      };
    }
    return paged("entries", items, body.page, false);
  }
  std::string changes(const ChangesRequest& body) {
    Items items;
    const auto add = [&](const std::string& cursor, const StoredSet& set) {
      items[cursor] = [&set](codec::Writer& out) { codec::encode_set_with_ns(out, set.ns, set.encoded); };
    };
    for (const auto& [ns, since] : body.since) {
      const auto it = floor.find(std::string(ns));
      if (since > head(ns, rev())) return failed(ns, ErrorCode::other_history);
      if (it != floor.end() && since < it->second) return failed(ns, ErrorCode::compacted);
    }
    for (const auto& txn : txns_) {
      for (const auto& set : txn->sets) {
        for (const auto& [ns, since] : body.since) {
          if (set->ns == ns && set->seq > since) add(set->ns + '\x01' + ordered(set->seq.value()), *set);
        }
        if (body.under && txn->rev > body.since_rev && covers(set->ns, std::string(*body.under), true))
          add(ordered(txn->rev.value()) + set->ns, *set);
      }
    }
    return paged("sets", items, body.page, true);
  }
  std::string failed(std::string_view ns, ErrorCode code) {
    std::string reply = codec::begin_reply(head_of_reply(), 4);
    codec::Writer out(reply);
    out.name("sets"), out.array(0);
    out.name("heads"), out.map(0);
    out.name("failed"), out.map(1), out.text(ns);
    codec::encode_error(out, error_of(code, "no"));
    out.field("more", false);
    return reply;
  }

  std::vector<TransactionPtr> txns_;
};

}  // namespace prismbus::testing

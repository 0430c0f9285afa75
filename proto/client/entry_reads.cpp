// Reads of what is there: get, mget, list, namespaces. Pages are followed to the last one.
#include <type_traits>
#include <utility>

#include "proto/client/reads.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

class Get final : public Read<Entry> {
 public:
  Get(std::string_view ns, std::string_view key, const ReadCall& call) : Read(call), ns_(ns), key_(key) {}
  [[nodiscard]] RequestBody request() const override { return GetRequest{ns_, key_, read_}; }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_entry_reply); }
  void tell_revisions(const ReplyHeader& reply, const Seen& seen) const override {
    if (of_the_past()) return;
    if (const auto entry = codec::decode_entry_reply(reply)) seen(ns_, key_, entry->rev);
  }

 private:
  std::string ns_, key_;
};

// Reads of several pages: gathers items, asks again with the cursor.
template <class Item, class Reply>
class PagedRead : public Read<std::vector<Item>> {
 public:
  using Read<std::vector<Item>>::Read;
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) {
      this->fail_with(*reply.error);
      return true;
    }
    Result<Reply> page = decode(reply);
    if (!page) {
      this->fail_with(in_context("reply not understood", page.error()));
      return true;
    }
    if (!std::exchange(begun_, true)) first_ = {reply.epoch, reply.rev, reply.at};
    if (reply.epoch != first_.epoch) {
      this->fail_with(fail(ErrorCode::other_history, "the history changed between two pages").value());
      return true;
    }
    auto& items = items_of(*page);
    for (auto& item : items) add(std::move(item));
    if (page->more && page->after) {
      after_ = std::move(page->after);
      this->with_epoch = true;  // the cursor is of this history
      this->epoch = first_.epoch;
      return false;
    }
    this->give(Answer<std::vector<Item>>{first_.epoch, first_.rev, std::move(items_), first_.at});
    return true;
  }

 protected:
  [[nodiscard]] virtual Result<Reply> decode(const ReplyHeader& reply) const = 0;
  [[nodiscard]] Page page() const {
    Page out;
    if (after_) out.after = *after_;
    return out;
  }

 private:
  static auto& items_of(EntriesReply& reply) { return reply.entries; }
  static auto& items_of(NamespacesReply& reply) { return reply.namespaces; }
  void add(Item&& item) { items_.push_back(std::move(item)); }
  void add(std::optional<Item>&& item) requires(!std::is_same_v<Item, std::optional<Entry>>) {
    if (item) items_.push_back(std::move(*item));
  }

  struct {
    Epoch epoch;
    Revision rev;
    std::optional<Revision> at;
  } first_;
  bool begun_ = false;
  std::optional<std::string> after_;
  std::vector<Item> items_;
};

// Pages of entries, as mget and list get them.
template <class Item>
class EntriesRead : public PagedRead<Item, EntriesReply> {
 public:
  using PagedRead<Item, EntriesReply>::PagedRead;
  void tell_revisions(const ReplyHeader& reply, const BrokerRead::Seen& seen) const override {
    if (this->of_the_past()) return;
    const auto page = codec::decode_entries_reply(reply);
    if (!page) return;
    for (const auto& entry : page->entries) {
      if (entry) seen(entry->ns, entry->key, entry->rev);
    }
  }

 protected:
  [[nodiscard]] Result<EntriesReply> decode(const ReplyHeader& reply) const override {
    return codec::decode_entries_reply(reply);
  }
};

class MGet final : public EntriesRead<std::optional<Entry>> {
 public:
  MGet(std::string_view ns, std::vector<std::string> keys, const ReadCall& call)
      : EntriesRead(call), ns_(ns), asked_(std::move(keys)) {}
  [[nodiscard]] RequestBody request() const override {
    MGetRequest out;
    out.ns = ns_;
    out.keys.assign(asked_.begin(), asked_.end());
    out.page = page();
    out.read = read_;
    return out;
  }

 private:
  std::string ns_;
  std::vector<std::string> asked_;
};

class List final : public EntriesRead<Entry> {
 public:
  explicit List(ListCall&& call) : EntriesRead(call.read), call_(std::move(call)) {}
  [[nodiscard]] RequestBody request() const override {
    ListRequest out;
    out.ns = call_.ns;
    out.subtree = call_.subtree;
    out.values = call_.values;
    if (call_.prefix) out.prefix = *call_.prefix;
    if (call_.glob) out.glob = *call_.glob;
    out.page = page();
    out.read = read_;
    return out;
  }

 private:
  ListCall call_;
};

class ListNamespaces final : public PagedRead<NamespaceRow, NamespacesReply> {
 public:
  ListNamespaces(std::string_view under, const ReadCall& call) : PagedRead(call), under_(under) {
    with_epoch = false;  // the op has no read options
  }
  [[nodiscard]] RequestBody request() const override { return NamespacesRequest{under_, page()}; }

 protected:
  [[nodiscard]] Result<NamespacesReply> decode(const ReplyHeader& reply) const override {
    return codec::decode_namespaces_reply(reply);
  }

 private:
  std::string under_;
};

}  // namespace

Asked<Entry> ask_get(std::string_view ns, std::string_view key, const ReadCall& call) {
  return asked<Get>(ns, key, call);
}
Asked<std::vector<std::optional<Entry>>> ask_mget(std::string_view ns, std::vector<std::string> keys,
                                                  const ReadCall& call) {
  return asked<MGet>(ns, std::move(keys), call);
}
Asked<std::vector<Entry>> ask_list(ListCall call) {
  return asked<List>(std::move(call));
}
Asked<std::vector<NamespaceRow>> ask_namespaces(std::string_view under, const ReadCall& call) {
  return asked<ListNamespaces>(under, call);
}

}  // namespace prismbus

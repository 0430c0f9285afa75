// Reads: get, mget, list, namespaces, status, hello. Pages are followed to the last one.
#include <iterator>
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "publisher/read_operation.hpp"

namespace prismbus {
namespace {

class Get final : public Read<Entry> {
 public:
  Get(std::string_view ns, std::string_view key, const ReadCall& call, Promise<Entry> promise)
      : Read(call, std::move(promise)), ns_(ns), key_(key) {}
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    return GetRequest{ns_, key_, read_};
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, Entry{});
    return give(reply, codec::decode_entry_reply(reply));
  }
  void learn(const ReplyHeader& reply, KnownRevisions& known) const override {
    if (read_.at || read_.at_time) return;
    const auto entry = codec::decode_entry_reply(reply);
    if (entry) known.learn(ns_, key_, {reply.epoch, entry->rev});
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
    if (reply.error) return this->give(reply, std::vector<Item>{});
    Result<Reply> page = decode(reply);
    if (!page) return this->give(reply, tl::unexpected<Error>(page.error()));
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
    this->promise_.set_value(
        Answer<std::vector<Item>>{first_.epoch, first_.rev, std::move(items_), first_.at});
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

class MGet final : public PagedRead<std::optional<Entry>, EntriesReply> {
 public:
  MGet(std::string_view ns, std::vector<std::string> keys, const ReadCall& call,
       Promise<std::vector<std::optional<Entry>>> promise)
      : PagedRead(call, std::move(promise)), ns_(ns), asked_(std::move(keys)) {}
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    MGetRequest out;
    out.ns = ns_;
    out.keys.assign(asked_.begin(), asked_.end());
    out.page = page();
    out.read = read_;
    return out;
  }

 protected:
  [[nodiscard]] Result<EntriesReply> decode(const ReplyHeader& reply) const override {
    return codec::decode_entries_reply(reply);
  }

 private:
  std::string ns_;
  std::vector<std::string> asked_;
};

class List final : public PagedRead<Entry, EntriesReply> {
 public:
  List(ListCall&& call, Promise<std::vector<Entry>> promise)
      : PagedRead(call.read, std::move(promise)), call_(std::move(call)) {}
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
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

 protected:
  [[nodiscard]] Result<EntriesReply> decode(const ReplyHeader& reply) const override {
    return codec::decode_entries_reply(reply);
  }

 private:
  ListCall call_;
};

class ListNamespaces final : public PagedRead<NamespaceRow, NamespacesReply> {
 public:
  ListNamespaces(std::string_view under, const ReadCall& call, Promise<std::vector<NamespaceRow>> promise)
      : PagedRead(call, std::move(promise)), under_(under) {
    with_epoch = false;  // the op has no read options
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    return NamespacesRequest{under_, page()};
  }

 protected:
  [[nodiscard]] Result<NamespacesReply> decode(const ReplyHeader& reply) const override {
    return codec::decode_namespaces_reply(reply);
  }

 private:
  std::string under_;
};

class Status final : public Read<std::string> {
 public:
  explicit Status(Promise<std::string> promise) : Read(std::move(promise)) {}
  [[nodiscard]] RequestBody request(const WriteOptions&) const override { return StatusRequest{}; }
  bool finish(const ReplyHeader& reply) override { return give(reply, std::string(reply.body)); }
};

class Hello final : public Read<HelloReply> {
 public:
  Hello(const ClientIdentity& client, Promise<HelloReply> promise)
      : Read(std::move(promise)), client_(client) {}
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    HelloRequest out;
    out.name = client_.name;
    out.version = client_.version;
    out.instance = client_.instance;
    for (const auto& [name, value] : client_.labels) out.labels.emplace_back(name, value);
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, HelloReply{});
    return give(reply, codec::decode_hello_reply(reply));
  }

 private:
  ClientIdentity client_;
};

class Flush final : public Operation {
 public:
  explicit Flush(std::promise<void> promise) : promise_(std::move(promise)) { is_flush = true; }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    return UnsupportedRequest{};
  }  // never sent
  bool finish(const ReplyHeader&) override { return true; }
  void fail_with(const Error&) override { promise_.set_value(); }  // it has one answer: over

 private:
  std::promise<void> promise_;
};

}  // namespace

std::unique_ptr<Operation> make_flush(std::promise<void> promise) {
  return std::make_unique<Flush>(std::move(promise));
}
std::unique_ptr<Operation> make_get(std::string_view ns, std::string_view key, const ReadCall& call,
                                    Promise<Entry> promise) {
  return std::make_unique<Get>(ns, key, call, std::move(promise));
}
std::unique_ptr<Operation> make_mget(std::string_view ns, std::vector<std::string> keys, const ReadCall& call,
                                     Promise<std::vector<std::optional<Entry>>> promise) {
  return std::make_unique<MGet>(ns, std::move(keys), call, std::move(promise));
}
std::unique_ptr<Operation> make_list(ListCall call, Promise<std::vector<Entry>> promise) {
  return std::make_unique<List>(std::move(call), std::move(promise));
}
std::unique_ptr<Operation> make_namespaces(std::string_view under, const ReadCall& call,
                                           Promise<std::vector<NamespaceRow>> promise) {
  return std::make_unique<ListNamespaces>(under, call, std::move(promise));
}
std::unique_ptr<Operation> make_status(Promise<std::string> promise) {
  return std::make_unique<Status>(std::move(promise));
}
std::unique_ptr<Operation> make_hello(const ClientIdentity& client, Promise<HelloReply> promise) {
  return std::make_unique<Hello>(client, std::move(promise));
}

}  // namespace prismbus

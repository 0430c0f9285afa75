// Questions to this process's own outbox: list, acknowledge. They never leave for a broker.
#include <utility>

#include "publisher/operation.hpp"
#include "publisher/outbox/outbox_agent.hpp"

namespace prismbus {
namespace {

template <class T>
class Local : public Operation {
 public:
  explicit Local(std::promise<Result<T>> promise) : promise_(std::move(promise)) { is_local = true; }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    return UnsupportedRequest{};
  }  // never sent
  bool finish(const ReplyHeader&) override { return true; }
  void fail_with(const Error& error) override { promise_.set_value(tl::unexpected<Error>(error)); }
  void run(OutboxAgent* outbox) override {
    if (outbox == nullptr) return fail_with(unsupported("outbox", "this publisher has no outbox"));
    promise_.set_value(ask(*outbox));
  }

 protected:
  virtual Result<T> ask(OutboxAgent& outbox) = 0;

 private:
  std::promise<Result<T>> promise_;
};

class List final : public Local<OutboxListing> {
 public:
  using Local::Local;

 protected:
  Result<OutboxListing> ask(OutboxAgent& outbox) override { return outbox.list(); }
};

class Acknowledge final : public Local<void> {
 public:
  Acknowledge(std::vector<std::uint64_t> ids, std::promise<Result<void>> promise)
      : Local(std::move(promise)), ids_(std::move(ids)) {
    bytes = sizeof(Acknowledge) + ids_.size() * sizeof(std::uint64_t);
  }

 protected:
  Result<void> ask(OutboxAgent& outbox) override { return outbox.acknowledge(ids_); }

 private:
  std::vector<std::uint64_t> ids_;
};

}  // namespace

std::unique_ptr<Operation> make_outbox_list(std::promise<Result<OutboxListing>> promise) {
  return std::make_unique<List>(std::move(promise));
}
std::unique_ptr<Operation> make_acknowledge(std::vector<std::uint64_t> ids,
                                            std::promise<Result<void>> promise) {
  return std::make_unique<Acknowledge>(std::move(ids), std::move(promise));
}

}  // namespace prismbus

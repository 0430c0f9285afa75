// flush(): never sent, answered when every write before it is.
#include <utility>

#include "publisher/operation.hpp"

namespace prismbus {
namespace {

class Flush final : public Operation {
 public:
  explicit Flush(std::promise<void> promise) : promise_(std::move(promise)) { is_flush = true; }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override { return UnsupportedRequest{}; }
  bool finish(const ReplyHeader&) override { return true; }
  void fail_with(const Error&) override { promise_.set_value(); }  // it has one answer: over

 private:
  std::promise<void> promise_;
};

}  // namespace

std::unique_ptr<Operation> make_flush(std::promise<void> promise) {
  return std::make_unique<Flush>(std::move(promise));
}

}  // namespace prismbus

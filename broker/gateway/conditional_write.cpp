#include "broker/gateway/conditional_write.hpp"

#include "broker/gateway/operation_reply.hpp"
#include "broker/gateway/reply_json.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

constexpr int kAttempts = 16;  // of If-Match: *; as often as the broker tries a rollback anew

class ConditionalWrite final : public Exchange {
 public:
  ConditionalWrite(const HttpRequest& request, RouteMatch match, CoreRequest write)
      : request_(request), match_(std::move(match)), write_(std::move(write)) {}

  ExchangeStep begin() override {
    const auto condition = precondition_of(request_);
    if (!condition) return error_response(condition.error());
    switch (condition->what) {
      case Precondition::What::nothing:
        break;
      case Precondition::What::absent:
        write_.set_number("if_rev", 0);
        break;
      case Precondition::What::exactly:
        write_.set_epoch(condition->tag.epoch);
        write_.set_number("if_rev", condition->tag.rev.value());
        break;
      case Precondition::What::present:
        return read();
    }
    return Ask{write_.payload()};
  }

  ExchangeStep on_reply(std::string_view payload) override {
    const auto reply = codec::decode_reply(payload);
    if (!reply) return error_response(reply.error());
    if (reading_) return write_on(*reply);
    const bool overtaken = attempts_ > 0 && reply->error && reply->error->code == ErrorCode::conflict;
    if (!overtaken) return response_of_reply(request_, match_, payload);
    if (attempts_ == kAttempts) return error_response(overloaded("the key is written again and again", 100));
    return read();
  }

 private:
  ExchangeStep read() {
    ++attempts_;
    reading_ = true;
    return Ask{write_.get_payload()};
  }

  // What was read is there and has a revision, or nothing is written.
  ExchangeStep write_on(const ReplyHeader& reply) {
    reading_ = false;
    if (reply.error && reply.error->code == ErrorCode::not_found) {
      Error error = error_of(ErrorCode::conflict, "the key is not there");
      error.ns = match_.ns, error.key = match_.key, error.rev = 0;
      return error_response(error);
    }
    if (reply.error) return error_response(*reply.error);
    const auto entry = codec::decode_entry_reply(reply);
    if (!entry) return error_response(entry.error());
    CoreRequest conditional = write_;
    conditional.set_epoch(reply.epoch);
    conditional.set_number("if_rev", entry->rev.value());
    return Ask{conditional.payload()};
  }

  const HttpRequest& request_;
  const RouteMatch match_;
  CoreRequest write_;
  int attempts_ = 0;
  bool reading_ = false;
};

}  // namespace

std::unique_ptr<Exchange> open_conditional_write(const HttpRequest& request, RouteMatch match,
                                                 CoreRequest write) {
  return std::make_unique<ConditionalWrite>(request, std::move(match), std::move(write));
}

}  // namespace prismbus

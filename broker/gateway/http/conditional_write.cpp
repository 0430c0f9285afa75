#include "broker/gateway/http/conditional_write.hpp"

#include "broker/gateway/http/operation_reply.hpp"
#include "broker/gateway/http/reply_json.hpp"
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
    const bool overtaken =
        !was_absent_ && attempts_ > 0 && reply->error && reply->error->code == ErrorCode::conflict;
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

  // On condition of what was read. If that was nothing it is written all the same, on a condition that cannot
  // hold: the core says so, or, to a request id that it knows, what became of it.
  ExchangeStep write_on(const ReplyHeader& reply) {
    reading_ = false;
    was_absent_ = reply.error && reply.error->code == ErrorCode::not_found;
    if (reply.error && !was_absent_) return error_response(*reply.error);
    Revision rev = reply.rev;
    if (rev.value() == 0) return error_response(nothing_there());  // and never was, so no request id is known
    if (!was_absent_) {
      const auto entry = codec::decode_entry_reply(reply);
      if (!entry) return error_response(entry.error());
      rev = entry->rev;
    }
    CoreRequest conditional = write_;
    conditional.set_epoch(reply.epoch);
    conditional.set_number("if_rev", rev.value());
    return Ask{conditional.payload()};
  }

  [[nodiscard]] static Error nothing_there() {
    Error error = error_of(ErrorCode::conflict, "the key is not there");
    error.rev = 0;
    return error;
  }

  const HttpRequest& request_;
  const RouteMatch match_;
  CoreRequest write_;
  int attempts_ = 0;
  bool reading_ = false, was_absent_ = false;
};

}  // namespace

std::unique_ptr<Exchange> open_conditional_write(const HttpRequest& request, RouteMatch match,
                                                 CoreRequest write) {
  return std::make_unique<ConditionalWrite>(request, std::move(match), std::move(write));
}

}  // namespace prismbus

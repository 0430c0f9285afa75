// What reads have in common: the promise, the read options, one reply. Made on the caller's thread, then the
// background thread's.
#pragma once

#include <utility>

#include "publisher/operation.hpp"

namespace prismbus {

[[nodiscard]] inline ReadOptions options_of(const ReadCall& call) {
  ReadOptions out;
  out.min_rev = call.min_rev;
  out.at = call.at;
  if (call.at_time) out.at_time = to_micros(*call.at_time);
  out.consistency = call.consistency;
  return out;
}

template <class T>
class Read : public Operation {
 public:
  explicit Read(Promise<T> promise) : promise_(std::move(promise)) {}
  Read(const ReadCall& call, Promise<T> promise) : promise_(std::move(promise)), read_(options_of(call)) {
    with_epoch = call.min_rev.has_value() || call.at.has_value();
    epoch = call.epoch;
  }
  void fail_with(const Error& error) override { promise_.set_value(tl::unexpected<Error>(error)); }

 protected:
  bool give(const ReplyHeader& reply, Result<T> value) {
    if (reply.error) {
      fail_with(*reply.error);
    } else if (!value) {
      fail_with(in_context("reply not understood", value.error()));
    } else {
      promise_.set_value(Answer<T>{reply.epoch, reply.rev, std::move(*value), reply.at});
    }
    return true;
  }

  Promise<T> promise_;
  ReadOptions read_;
};

}  // namespace prismbus

// One read on its way: what to ask, what the reply means, whom to tell. Made on the caller's thread, then
// owned and driven by the thread that owns the connection. It knows no queue, no deadline and no socket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "proto/client/read_calls.hpp"

namespace prismbus {

class BrokerRead {
 public:
  virtual ~BrokerRead() = default;
  [[nodiscard]] virtual RequestBody request() const = 0;  // lends from this read
  // Tells the caller. False: another page is needed, send request() again.
  [[nodiscard]] virtual bool finish(const ReplyHeader& reply) = 0;
  virtual void fail_with(const Error& error) = 0;

  // The present revisions of keys that a successful reply tells; called before finish().
  using Seen = std::function<void(std::string_view ns, std::string_view key, Revision rev)>;
  virtual void tell_revisions(const ReplyHeader&, const Seen&) const {}

  bool with_epoch = false;     // carries a revision or a cursor
  std::optional<Epoch> epoch;  // the history it must be of
};

[[nodiscard]] inline ReadOptions options_of(const ReadCall& call) {
  ReadOptions out;
  out.min_rev = call.min_rev;
  out.at = call.at;
  if (call.at_time) out.at_time = to_micros(*call.at_time);
  out.consistency = call.consistency;
  return out;
}

// What reads have in common: the promise, the read options, one reply.
template <class T>
class Read : public BrokerRead {
 public:
  using Value = T;
  Read() = default;
  explicit Read(const ReadCall& call) : read_(options_of(call)) {
    with_epoch = call.min_rev.has_value() || call.at.has_value();
    epoch = call.epoch;
  }
  [[nodiscard]] ReadFuture<T> answer() { return promise_.get_future(); }  // once
  void fail_with(const Error& error) override { promise_.set_value(tl::unexpected<Error>(error)); }

 protected:
  void give(Answer<T> answer) { promise_.set_value(std::move(answer)); }
  // The one reply of a read without pages.
  template <class Decode>
  bool give(const ReplyHeader& reply, Decode decode) {
    if (reply.error) {
      fail_with(*reply.error);
      return true;
    }
    Result<T> value = decode(reply);
    if (!value) {
      fail_with(in_context("reply not understood", value.error()));
    } else {
      give({reply.epoch, reply.rev, std::move(*value), reply.at});
    }
    return true;
  }
  [[nodiscard]] bool of_the_past() const { return read_.at || read_.at_time; }

  ReadOptions read_;

 private:
  std::promise<Result<Answer<T>>> promise_;
};

// A read that nobody has sent yet, and its answer.
template <class T>
struct Asked {
  std::unique_ptr<BrokerRead> read;
  ReadFuture<T> answer;
};

template <class Kind, class... Arguments>
[[nodiscard]] Asked<typename Kind::Value> asked(Arguments&&... arguments) {
  auto read = std::make_unique<Kind>(std::forward<Arguments>(arguments)...);
  auto answer = read->answer();
  return {std::move(read), std::move(answer)};
}

}  // namespace prismbus

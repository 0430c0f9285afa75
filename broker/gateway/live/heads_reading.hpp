// The heads of a namespace, or of a subtree, at one revision, however many pages of `namespaces` they are and
// whatever is written meanwhile: what was read first is brought up to the last page's revision from the log.
// Gateway thread; asks through whoever drives it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/gateway/live/live_log.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

class HeadsReading {
 public:
  using MayRead = std::function<bool(std::string_view ns)>;

  HeadsReading(std::string ns, bool subtree, std::optional<Epoch> epoch)
      : ns_(std::move(ns)), subtree_(subtree), asked_epoch_(epoch) {}

  [[nodiscard]] std::string request() const;  // the next page's
  // True: done. Errors: those of the core; overloaded (so much is written that the log lost what is missing).
  [[nodiscard]] Result<bool> on_reply(std::string_view payload, const LiveLog& log, const MayRead& may_read);

  // Once it is done.
  [[nodiscard]] Revision rev() const { return rev_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] const std::map<std::string, Head, std::less<>>& heads() const { return heads_; }
  [[nodiscard]] std::string json() const;

 private:
  void catch_up(Revision to, const LiveLog& log, const MayRead& may_read);

  std::string ns_;
  bool subtree_;
  std::optional<Epoch> asked_epoch_;
  std::map<std::string, Head, std::less<>> heads_;
  Revision rev_;  // of the last page
  Epoch epoch_;
  std::string after_;  // empty: the first page
  int begun_ = 1;
};

}  // namespace prismbus

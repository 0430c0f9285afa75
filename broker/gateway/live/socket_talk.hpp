// What is said on one WebSocket, whatever it is about: its principal, its outbox, when it has to be closed.
// Drives no socket itself: whoever does hands in what comes and sends what the outbox holds. Gateway thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/gateway/live/live_log.hpp"
#include "broker/gateway/live/outbox.hpp"
#include "broker/gateway/live/reader_rights.hpp"

namespace prismbus {

struct CloseReason {
  static constexpr std::size_t kBytesMax = 123;  // RFC 6455, 5.5: 125 with the code
  std::uint16_t code = 0;
  std::string text{};  // UTF-8, within kBytesMax
};
namespace close_code {
inline constexpr std::uint16_t kGoingAway = 1001, kUnsupported = 1003, kPolicy = 1008, kTryLater = 1013;
inline constexpr std::uint16_t kUnauthenticated = 4401, kForbidden = 4403, kTooSlow = 4408;
}  // namespace close_code

// Who carries a talk's words.
class SocketDriver {
 public:
  virtual ~SocketDriver() = default;
  virtual void step() = 0;  // sends, asks and closes as the talk wants it; not from within one of its calls
};

class SocketTalk {
 public:
  // Nothing of a full outbox moved for so long: its peer does not read.
  static constexpr std::chrono::seconds kSlowMax{10};

  // `alone`: as an outbox counts there; outlives this.
  explicit SocketTalk(std::size_t& alone) : out_(alone) {}
  virtual ~SocketTalk() = default;
  SocketTalk(const SocketTalk&) = delete;
  SocketTalk& operator=(const SocketTalk&) = delete;

  // ---- in; of one that is closing nothing more comes of any of it
  virtual void on_text(std::string_view text, Now now) = 0;
  void on_greeted(std::shared_ptr<const Principal> principal, const AccessRulesPtr& rules);
  void on_reply(std::string_view payload, Now now);
  void on_rules(const AccessRulesPtr& rules, Now now);
  // The outbox has got emptier, or the log has something again.
  virtual void on_sent(Now) {}
  // The log misses what came behind `up_to` (nullopt: nothing was fetched so far).
  virtual void on_hole(std::optional<Revision>) {}
  // Once a second or so.
  void tick(Now now);

  // ---- out
  // A request for the core, when none is under way; empty: nothing is wanted now.
  [[nodiscard]] std::string take_request();
  [[nodiscard]] Outbox& outbox() { return out_; }
  [[nodiscard]] const std::optional<CloseReason>& closing() const { return closing_; }
  // Whether to read on: what it answers has to find its place.
  [[nodiscard]] bool takes_text() const { return !closing_ && greeted_ && out_.has_room() && takes_more(); }
  void close(std::uint16_t code, std::string text);

  void set_driver(SocketDriver& driver) { driver_ = &driver; }
  void stir() const { driver_->step(); }

 protected:
  virtual void begin(Now now) = 0;  // its principal is known
  virtual void on_own_reply(std::string_view payload, Now now) = 0;
  virtual void on_rights(Now now) = 0;
  [[nodiscard]] virtual std::string next_request() = 0;
  [[nodiscard]] virtual bool takes_more() const { return true; }

  // A `hello` is asked before all else: at first, and whenever there is another token or other things to say
  // of the client. Said many times before its turn comes it is one.
  void greet() { greets_ = true; }
  [[nodiscard]] virtual std::string hello() = 0;  // the request, as it goes out now
  virtual void on_hello(bool /*taken*/) {}        // what became of the last one
  [[nodiscard]] const ReaderRights& rights() const { return rights_; }
  void say_error(std::optional<std::uint64_t> id, const Error& error, Now now);
  void check_token(Now now);

  Outbox out_;

 private:
  bool greets_ = false;  // a hello is to be asked
  bool asking_ = false, asked_hello_ = false, greeted_ = false;
  ReaderRights rights_;
  AccessRulesPtr rules_;
  SocketDriver* driver_ = nullptr;
  std::optional<CloseReason> closing_;
};

}  // namespace prismbus

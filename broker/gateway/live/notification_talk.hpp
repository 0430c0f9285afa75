// /ws/config/notifications: for who administers everything, what the broker notices (who follows and how they
// fare, refused attempts, whether the store takes writes), one JSON object a text frame. Gateway thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/notice.hpp"
#include "broker/gateway/live/socket_talk.hpp"

namespace prismbus {

class NotificationTalk final : public SocketTalk {
 public:
  // `alone`: as an outbox counts there; outlives this.
  NotificationTalk(std::optional<std::string> token, std::size_t& alone);

  // Its client says nothing but `token`.
  void on_text(std::string_view text, Now now) override;
  void on_notice(const Notice& notice, Now now);
  void on_missed(std::uint64_t notices, Now now);
  // Whether writes are taken; told when that changes, and at the beginning when they are not.
  void on_store(bool takes_writes, Now now);
  void on_sent(Now now) override;

 private:
  void begin(Now now) override { on_rights(now); }
  void on_own_reply(std::string_view, Now) override {}
  void on_rights(Now now) override;
  [[nodiscard]] std::string hello() override;
  std::string next_request() override { return {}; }
  void say(std::string text, Now now);

  std::optional<std::string> token_;  // the latest
  bool admitted_ = false;
  bool takes_writes_ = true;
  std::uint64_t missed_ = 0;  // that found no room since the last one that did
};

}  // namespace prismbus

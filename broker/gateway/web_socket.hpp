// One WebSocket: hands what comes to its talk, sends what the talk's outbox holds, asks the core what the
// talk wants to know. Keeps its peer's pace: it reads on when answers have their place, and writes one
// message at a time. Gateway thread; alive until its connection has ended.
#pragma once

#include <utility>  // before Asio's coroutines, which need it and do not say so
// clang-format off
#include <boost/asio/awaitable.hpp>
// clang-format on
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <memory>

#include "broker/gateway/body_budget.hpp"
#include "broker/gateway/core_link.hpp"
#include "broker/gateway/live/socket_talk.hpp"
#include "broker/gateway/peer_stream.hpp"

namespace prismbus {

using HttpHead = boost::beast::http::request<boost::beast::http::string_body>;

class WebSocket final : public std::enable_shared_from_this<WebSocket>,
                        private CoreLink::Asker,
                        private SocketDriver {
 public:
  static constexpr std::size_t kMessageBytesMax = 2u << 20;
  static constexpr std::chrono::seconds kHandshake{10};
  static constexpr std::chrono::seconds kIdle{60};       // a PING goes out after half of it
  static constexpr std::chrono::seconds kClosing{15};    // for the peer to take its close frame
  static constexpr std::chrono::seconds kMessage{30};    // for a message to be whole once it has begun
  static constexpr std::size_t kPieceBytes = 64u << 10;  // of one frame: a long message is seen to move

  // `rules`: those in force, kept up by whoever owns it; it, the link and `connection`, which is handed over
  // and closed here, outlive this.
  // `messages`: what all of them are being sent.
  WebSocket(PeerStream stream, CoreLink& link, ConnectionId connection, const AccessRulesPtr& rules,
            BodyBudget& messages, std::unique_ptr<SocketTalk> talk);
  ~WebSocket() override;
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  // From the handshake until the connection has ended and nothing of it is under way. `self` keeps this alive
  // meanwhile.
  boost::asio::awaitable<void> run(std::shared_ptr<WebSocket> self, HttpHead asked, bool names_protocol);
  [[nodiscard]] SocketTalk& talk() { return *talk_; }
  void tick(Now now);
  void step() override;
  void cut();

 private:
  using Stream = boost::beast::websocket::stream<PeerStream, false>;  // no compression

  void on_read();
  [[nodiscard]] bool take_room();
  void give_room_back();
  void write();
  void on_written(std::size_t end, bool is_last);
  void close();
  void on_greeted(std::shared_ptr<const Principal> principal) override;
  void on_reply(std::string payload) override;
  void on_cut() override;

  Stream stream_;
  boost::beast::flat_buffer buffer_;
  boost::asio::steady_timer stirred_;  // never expires; cancelled when run() has to look again
  CoreLink& link_;
  const ConnectionId connection_;
  const AccessRulesPtr& rules_;
  BodyBudget& messages_;
  std::size_t room_taken_ = 0;  // from it
  const std::unique_ptr<SocketTalk> talk_;
  Steady begun_{};  // of the message being read; zero: none is
  Steady closing_since_{};
  std::size_t written_ = 0;      // bytes of the message being sent
  bool open_ = false;            // messages may be sent
  bool writing_ = false;         // a piece is on its way
  bool closing_ = false;         // nothing more is read as a message
  bool saying_goodbye_ = false;  // the close frame is on its way, or the peer's
};

}  // namespace prismbus

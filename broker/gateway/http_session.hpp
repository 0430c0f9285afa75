// One connection of HTTP/1.1: reads requests one after another, drives an exchange for each, writes what
// comes of it. Every stage has a deadline, every part a limit (I8). A coroutine of the gateway's thread.
#pragma once

#include <utility>  // before Asio's coroutines, which need it and do not say so
// clang-format off
#include <boost/asio/awaitable.hpp>
// clang-format on
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "broker/gateway/body_budget.hpp"
#include "broker/gateway/core_link.hpp"
#include "broker/gateway/http/gzip.hpp"
#include "broker/gateway/http/http_meter.hpp"
#include "broker/gateway/http/origin_rules.hpp"
#include "broker/gateway/peer_stream.hpp"
#include "broker/gateway/web_sockets.hpp"

namespace prismbus {

struct HttpLimits {
  std::size_t header_bytes_max = 16u << 10;
  std::size_t body_bytes_max = 8u << 20;  // as much as a message of the core
  std::chrono::milliseconds idle{60'000}, header{10'000}, body{30'000}, write{30'000};
  std::chrono::milliseconds answer{75'000};  // above the longest that an operation waits
  std::chrono::milliseconds linger{1'000};   // what a refused peer still sends is read, so that it hears why
};

class HttpSession final : private CoreLink::Asker {
 public:
  // All but the stream outlive this; what is answered is counted by `meter`.
  HttpSession(PeerStream stream, CoreLink& link, WebSockets& sockets, const OriginRules& origins,
              BodyBudget& bodies, const HttpLimits& limits, HttpMeter& meter);
  ~HttpSession() override;
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // Until the connection ends. `self` keeps this alive meanwhile.
  boost::asio::awaitable<void> run(std::shared_ptr<HttpSession> self);
  // The request under way is still answered, then the connection is closed; an idle one at once.
  void finish();
  void cut();  // at once
  [[nodiscard]] bool handshake_failed() const { return stream_.handshake_failed(); }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  // False, of all of these: the connection is of no more use.
  boost::asio::awaitable<bool> serve_one();
  // Whether the connection goes on as a WebSocket; no: `refusal` says why; not_here: the path has none.
  enum class Upgraded : std::uint8_t { yes, no, not_here };
  Upgraded upgrade(Parser& parser, const HttpRequest& request, HttpResponse& refusal);
  boost::asio::awaitable<bool> read_body(Parser& parser, HttpRequest& request);
  boost::asio::awaitable<bool> answer(const HttpRequest& request, bool keep_alive);
  boost::asio::awaitable<bool> write(const HttpRequest& request, HttpResponse response, bool keep_alive);
  boost::asio::awaitable<bool> write_piece(const HttpRequest& request, std::string text, bool last,
                                           bool keep_alive);
  boost::asio::awaitable<bool> write_text(std::string text);
  // nullopt: none came in time, or the connection is cut.
  boost::asio::awaitable<std::optional<std::string>> ask(std::string payload);
  boost::asio::awaitable<void> refuse(const HttpRequest& request, HttpResponse response);

  void on_reply(std::string payload) override;
  void on_cut() override;

  PeerStream stream_;
  boost::beast::flat_buffer buffer_;
  CoreLink& link_;
  WebSockets& sockets_;
  const OriginRules& origins_;
  BodyBudget& bodies_;
  const HttpLimits& limits_;
  HttpMeter& meter_;
  HttpMeter::Request answered_;  // the request under way
  ConnectionId connection_;
  boost::asio::steady_timer replied_;
  std::optional<std::string> reply_;
  std::unique_ptr<Gzip> gzip_;  // of the body being streamed
  bool is_http_10_ = false;     // the request under way: no chunks, no 100
  std::size_t body_bytes_ = 0;  // taken from the budget for it
  bool streaming_ = false, idle_ = false, finishing_ = false, cut_ = false;
  bool handed_over_ = false;  // connection and stream went on as a WebSocket
};

}  // namespace prismbus

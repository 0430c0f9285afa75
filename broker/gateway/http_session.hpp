// One connection of HTTP/1.1: reads requests one after another, drives an exchange for each, writes what
// comes of it. Every stage has a deadline, every part a limit (I8). A coroutine of the gateway's thread.
#pragma once

#include <utility>  // before Asio's coroutines, which need it and do not say so
// clang-format off
#include <boost/asio/awaitable.hpp>
// clang-format on
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <memory>
#include <optional>
#include <string>

#include "broker/gateway/core_link.hpp"
#include "broker/gateway/gzip.hpp"
#include "broker/gateway/origin_rules.hpp"

namespace prismbus {

struct HttpLimits {
  std::size_t header_bytes_max = 16u << 10;
  std::size_t body_bytes_max = 8u << 20;  // as much as a message of the core
  std::chrono::seconds idle{60}, header{10}, body{30}, write{30};
  std::chrono::seconds answer{75};  // above the longest that an operation waits (wait_applied: 60 s)
};

class HttpSession final : private CoreLink::Asker {
 public:
  // `link` and `origins` outlive this.
  HttpSession(boost::asio::ip::tcp::socket socket, CoreLink& link, const OriginRules& origins,
              const HttpLimits& limits);
  ~HttpSession() override;
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // Until the connection ends. `self` keeps this alive meanwhile.
  boost::asio::awaitable<void> run(std::shared_ptr<HttpSession> self);
  // The request under way is still answered, then the connection is closed; an idle one at once.
  void finish();
  void cut();  // at once

 private:
  using Writing = bool;  // false: the connection is of no more use

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<bool> answer(const HttpRequest& request, bool keep_alive);
  boost::asio::awaitable<std::optional<std::string>> ask(std::string payload);
  boost::asio::awaitable<Writing> write(const HttpRequest& request, HttpResponse response, bool keep_alive);
  boost::asio::awaitable<Writing> write_piece(const HttpRequest& request, std::string text, bool last,
                                              bool keep_alive);
  boost::asio::awaitable<Writing> write_text(std::string text);
  boost::asio::awaitable<void> refuse(HttpResponse response);

  void on_reply(std::string payload) override;
  void on_cut() override;

  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  CoreLink& link_;
  const OriginRules& origins_;
  const HttpLimits& limits_;
  ConnectionId connection_;
  boost::asio::steady_timer replied_;
  std::optional<std::string> reply_;
  std::unique_ptr<Gzip> gzip_;  // of the body being streamed
  bool streaming_ = false, idle_ = false, finishing_ = false, cut_ = false;
};

}  // namespace prismbus

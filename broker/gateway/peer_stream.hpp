// One TCP connection, with TLS or without: a stream that Beast reads HTTP and WebSocket messages through.
// Which of the two it is is decided while it runs, so that what is built on it is compiled once. The
// gateway's thread.
//  I1 nothing else is read or written before handshake() has said true.
//  I2 an operation ends by the time that was set; the time is of the TCP stream below, so TLS keeps it too.
// A stream outlives the operations that were begun on it, but for the end of a WebSocket.
#pragma once

#include <utility>  // before Asio's coroutines, which need it and do not say so
// clang-format off
#include <boost/asio/awaitable.hpp>
// clang-format on
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <exception>
#include <memory>

namespace prismbus {

class PeerStream {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;
  using error_code = boost::system::error_code;

  static constexpr std::chrono::milliseconds kGoodbye{1'000};  // for the peer's part in the end
  static constexpr std::size_t kLingerBytes = 16u << 20;

  // Null: plain, and handshake() has nothing to do. The context is kept until then.
  explicit PeerStream(boost::asio::ip::tcp::socket socket,
                      std::shared_ptr<boost::asio::ssl::context> tls = nullptr);

  [[nodiscard]] bool is_tls() const { return layers_->is_tls; }
  // The peer said something, and no TLS came of it. Of a stream that was moved away: false.
  [[nodiscard]] bool handshake_failed() const { return layers_ && layers_->handshake_failed; }
  [[nodiscard]] executor_type get_executor() noexcept { return layers_->tcp.get_executor(); }
  [[nodiscard]] boost::asio::ip::tcp::socket& socket() { return layers_->tcp.socket(); }

  // Agrees on TLS within that time. Whoever speaks HTTP instead is told in HTTP what is spoken here. False:
  // the connection is of no more use.
  boost::asio::awaitable<bool> handshake(std::chrono::milliseconds time);
  // Tells the peer that nothing more comes, and reads what it still sends, for that time and up to
  // kLingerBytes: closed over unread bytes, TCP would take back what was sent last.
  boost::asio::awaitable<void> linger(std::chrono::milliseconds time) { return linger(layers_, time); }
  // Tells the peer that nothing more comes (TLS waits kGoodbye for its word), and closes.
  boost::asio::awaitable<void> say_goodbye();
  void close() { layers_->tcp.close(); }  // at once; operations under way end with an error

  // For operations begun from now on: one that is not done by then ends with beast::error::timeout, and the
  // connection is closed.
  void expires_after(std::chrono::milliseconds time) { layers_->tcp.expires_after(time); }
  void expires_never() { layers_->tcp.expires_never(); }
  // For reads begun from now on, instead: they end with an error then, and the connection stays, so that its
  // peer can be told why.
  void read_within(std::chrono::milliseconds time);
  // Ends that time. Whether it had passed.
  bool end_reading();

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& into, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [layers = layers_.get()](auto&& handler, const Buffers& buffers) {
          using Handler = decltype(handler);
          if (layers->tls) return layers->tls->async_read_some(buffers, std::forward<Handler>(handler));
          return layers->tcp.async_read_some(buffers, std::forward<Handler>(handler));
        },
        token, into);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& from, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [layers = layers_.get()](auto&& handler, const Buffers& buffers) {
          using Handler = decltype(handler);
          if (layers->tls) return layers->tls->async_write_some(buffers, std::forward<Handler>(handler));
          return layers->tcp.async_write_some(buffers, std::forward<Handler>(handler));
        },
        token, from);
  }

  // What boost::beast::websocket::stream looks for beside a stream's type.
  friend void beast_close_socket(PeerStream& stream) { stream.close(); }
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, PeerStream& stream, Handler&& handler) {
    boost::asio::co_spawn(stream.get_executor(), linger(stream.layers_, kGoodbye),
                          [handler = std::forward<Handler>(handler)](const std::exception_ptr&) mutable {
                            std::move(handler)(error_code());
                          });
  }

 private:
  using Plain = boost::beast::tcp_stream;
  using Tls = boost::beast::ssl_stream<Plain&>;
  // Of one address, for what is above refers to what is below.
  struct Layers {
    explicit Layers(boost::asio::ip::tcp::socket socket)
        : tcp(std::move(socket)), reading(tcp.get_executor()) {}
    Plain tcp;
    boost::asio::steady_timer reading;  // goes off when the time to read is over
    std::unique_ptr<Tls> tls;           // from the first bytes of the handshake on
    std::shared_ptr<boost::asio::ssl::context> context;
    bool is_tls = false, handshake_failed = false, is_late = false;
  };

  static void give_up_reading_at_its_time(const std::shared_ptr<Layers>& of);
  static boost::asio::awaitable<void> linger(std::shared_ptr<Layers> layers, std::chrono::milliseconds time);

  std::shared_ptr<Layers> layers_;
};

}  // namespace prismbus

#include "broker/gateway/peer_stream.hpp"

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <string_view>

#include "broker/gateway/http/reply_json.hpp"

namespace prismbus {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kHelloBytes = 2048;  // what is read before there is a TLS stream: most hellos
constexpr std::size_t kRecordHeader = 5;   // RFC 8446, 5.1: type, version, length
constexpr std::size_t kRead = 4096;
constexpr std::chrono::milliseconds kGiveUpAgain{20};
constexpr unsigned char kHandshakeRecord = 0x16;

auto with(PeerStream::error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

using Hello = std::array<unsigned char, kHelloBytes>;

// How many bytes the first record needs, as far as `have` of them tell; as many as there is room for at most.
std::size_t wanted(const Hello& hello, std::size_t have) {
  if (hello[0] != kHandshakeRecord) return have;
  if (have < kRecordHeader) return kRecordHeader;
  return std::min(kRecordHeader + (std::size_t{hello[3]} << 8) + hello[4], kHelloBytes);
}

std::string plain_refusal() {
  const std::string body = error_text(fail_field("scheme", "this port speaks https").value());
  return fmt::format(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
}

}  // namespace

PeerStream::PeerStream(asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
    : layers_(std::make_shared<Layers>(std::move(socket))) {
  layers_->is_tls = tls != nullptr;
  layers_->context = std::move(tls);
}

// A connection that has not said hello holds no TLS stream, which is some hundred KiB.
asio::awaitable<bool> PeerStream::handshake(std::chrono::milliseconds time) {
  if (!is_tls()) co_return true;
  const auto layers = layers_;
  const auto context = std::move(layers->context);
  error_code error;
  Hello hello;
  std::size_t read = 0;
  layers->tcp.expires_after(time);
  do {
    const auto room = asio::buffer(hello) + read;
    read += co_await layers->tcp.async_read_some(room, with(error));
    layers->handshake_failed = read > 0;  // until it has not
    if (error || read == 0) co_return false;
  } while (read < wanted(hello, read));
  if (hello[0] == kHandshakeRecord) {
    layers->tls = std::make_unique<Tls>(layers->tcp, *context);
    co_await layers->tls->async_handshake(asio::ssl::stream_base::server, asio::buffer(hello.data(), read),
                                          with(error));
    layers->handshake_failed = static_cast<bool>(error);
    if (!error) co_return true;
    layers->tls.reset();  // it has said why; what comes now is read as bytes
  } else if (hello[0] >= 'A' && hello[0] <= 'Z') {
    const std::string text = plain_refusal();
    co_await asio::async_write(layers->tcp, asio::buffer(text), with(error));
  }
  co_await linger(layers, kGoodbye);
  co_return false;
}

asio::awaitable<void> PeerStream::say_goodbye() {
  const auto layers = layers_;
  error_code error;
  if (layers->tls && layers->tcp.socket().is_open()) {
    layers->tcp.expires_after(kGoodbye);
    co_await layers->tls->async_shutdown(with(error));
  }
  layers->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  layers->tcp.close();
}

void PeerStream::read_within(std::chrono::milliseconds time) {
  layers_->tcp.expires_never();
  layers_->is_late = false;
  layers_->reading.expires_after(time);
  give_up_reading_at_its_time(layers_);
}

bool PeerStream::end_reading() {
  layers_->reading.expires_at(asio::steady_timer::time_point::max());
  return layers_->is_late;
}

void PeerStream::give_up_reading_at_its_time(const std::shared_ptr<Layers>& of) {
  of->reading.async_wait([weak = std::weak_ptr(of)](const error_code& error) {
    const auto layers = weak.lock();
    // What was called off may have been on its way already.
    if (error || !layers || layers->reading.expiry() > asio::steady_timer::clock_type::now()) return;
    layers->is_late = true;
    layers->tcp.cancel();
    // A read of several steps may be between two of them, where there is nothing to cancel.
    layers->reading.expires_after(kGiveUpAgain);
    give_up_reading_at_its_time(layers);
  });
}

asio::awaitable<void> PeerStream::linger(std::shared_ptr<Layers> layers, std::chrono::milliseconds time) {
  error_code error;
  layers->tcp.expires_after(time);
  if (layers->tls) {
    co_await layers->tls->async_shutdown(with(error));
  }
  // Refused by a peer that has more to say; its bytes are of interest no more.
  layers->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  std::array<char, kRead> unread;
  for (std::size_t read = 0; !error && read < kLingerBytes;)
    read += co_await layers->tcp.async_read_some(asio::buffer(unread), with(error));
  layers->tcp.close();
}

}  // namespace prismbus

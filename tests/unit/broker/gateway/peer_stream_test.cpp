#include "broker/gateway/peer_stream.hpp"

#include <openssl/x509.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <string>

using namespace prismbus;

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using Context = std::shared_ptr<asio::ssl::context>;

constexpr std::chrono::milliseconds kPatience{10'000};

// With a certificate that it signed itself.
Context server_context() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  REQUIRE(SSL_CTX_use_certificate(context->native_handle(), certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context->native_handle(), key.get()) == 1);
  return context;
}

// A server's connection and its peer's, in one thread.
struct Pair {
  explicit Pair(const Context& tls) {
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    tcp::socket accepted(context);
    peer.socket().connect(acceptor.local_endpoint());
    acceptor.accept(accepted);
    server = std::make_unique<PeerStream>(PeerStream(std::move(accepted), tls));
  }
  // Both to their end.
  void run(std::function<asio::awaitable<void>()> serve, std::function<asio::awaitable<void>()> ask) {
    auto served = asio::co_spawn(context, serve(), asio::use_future);
    auto asked = asio::co_spawn(context, ask(), asio::use_future);
    context.run();
    served.get(), asked.get();
  }

  asio::io_context context;
  std::unique_ptr<PeerStream> server;
  beast::tcp_stream peer{context};
};

// Twice what it gets, until the other side closes.
asio::awaitable<void> echo(Pair& pair, std::string& ended) {
  if (!co_await pair.server->handshake(kPatience)) co_return;
  pair.server->expires_never();
  websocket::stream<PeerStream, false> socket(std::move(*pair.server));
  websocket::stream_base::timeout times{kPatience, kPatience, true};
  socket.set_option(times);
  co_await socket.async_accept(asio::use_awaitable);
  beast::flat_buffer buffer;
  try {
    for (;;) {
      co_await socket.async_read(buffer, asio::use_awaitable);
      const std::string twice =
          beast::buffers_to_string(buffer.data()) + beast::buffers_to_string(buffer.data());
      co_await socket.async_write(asio::buffer(twice), asio::use_awaitable);
      buffer.consume(buffer.size());
    }
  } catch (const boost::system::system_error& error) {
    ended = error.code() == websocket::error::closed ? "closed" : error.what();
  }
}

template <class Socket>
asio::awaitable<void> say(Socket& socket, std::string what, std::string& heard) {
  co_await socket.async_handshake("localhost", "/", asio::use_awaitable);
  co_await socket.async_write(asio::buffer(what), asio::use_awaitable);
  beast::flat_buffer buffer;
  co_await socket.async_read(buffer, asio::use_awaitable);
  heard = beast::buffers_to_string(buffer.data());
  co_await socket.async_close(websocket::close_code::normal, asio::use_awaitable);
}

constexpr std::size_t kAsked = 4;

// Reads kAsked bytes that come in time, and as many that do not.
asio::awaitable<void> tell_who_is_late(Pair& pair, bool& given_up, bool& in_time) {
  if (!co_await pair.server->handshake(kPatience)) co_return;
  std::array<char, kAsked> bytes;
  const auto into = asio::buffer(bytes);
  PeerStream::error_code error;
  pair.server->read_within(kPatience);
  co_await asio::async_read(*pair.server, into, asio::redirect_error(asio::use_awaitable, error));
  in_time = !pair.server->end_reading() && !error;
  pair.server->read_within(std::chrono::milliseconds(50));
  co_await asio::async_read(*pair.server, into, asio::redirect_error(asio::use_awaitable, error));
  given_up = pair.server->end_reading() && error;
  pair.server->expires_after(kPatience);
  const std::string_view told = "late";
  co_await asio::async_write(*pair.server, asio::buffer(told), asio::use_awaitable);
  co_await pair.server->linger(kPatience);
}

// All that comes after kAsked bytes and one more.
template <class Socket>
asio::awaitable<std::string> be_late(Socket& socket) {
  const std::string_view said = "12345";
  co_await asio::async_write(socket, asio::buffer(said), asio::use_awaitable);
  std::array<char, 64> room;
  const auto into = asio::buffer(room);
  const std::size_t n = co_await socket.async_read_some(into, asio::use_awaitable);
  beast::get_lowest_layer(socket).close();
  co_return std::string(room.data(), n);
}

}  // namespace

TEST_CASE("a WebSocket over a PeerStream, plain and with TLS: whole messages of any size, and a clean end") {
  const Context contexts[] = {nullptr, server_context()};
  for (const Context& tls : contexts) {
    for (const std::size_t size : {1, 100, 70'000, 1'000'000}) {
      INFO((tls ? "TLS, " : "plain, ") << size);
      Pair pair(tls);
      std::string ended, heard, what(size, 'x');
      asio::ssl::context client(asio::ssl::context::tls_client);
      pair.run([&] { return echo(pair, ended); },
               [&]() -> asio::awaitable<void> {
                 if (tls) {
                   websocket::stream<beast::ssl_stream<beast::tcp_stream>, false> socket(std::move(pair.peer),
                                                                                         client);
                   co_await socket.next_layer().async_handshake(asio::ssl::stream_base::client,
                                                                asio::use_awaitable);
                   co_await say(socket, what, heard);
                 } else {
                   websocket::stream<beast::tcp_stream, false> socket(std::move(pair.peer));
                   co_await say(socket, what, heard);
                 }
               });
      CHECK(heard == what + what);
      CHECK(ended == "closed");
    }
  }
}

TEST_CASE(
    "a read that takes too long is given up, and its peer can still be told; a time that is ended gives up "
    "nothing") {
  const Context contexts[] = {nullptr, server_context()};
  for (const Context& tls : contexts) {
    INFO((tls ? "TLS" : "plain"));
    Pair pair(tls);
    asio::ssl::context client(asio::ssl::context::tls_client);
    bool given_up = false, in_time = false;
    std::string heard;
    pair.run([&] { return tell_who_is_late(pair, given_up, in_time); },
             [&]() -> asio::awaitable<void> {
               if (tls) {
                 beast::ssl_stream<beast::tcp_stream> socket(std::move(pair.peer), client);
                 co_await socket.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
                 heard = co_await be_late(socket);
               } else {
                 heard = co_await be_late(pair.peer);
               }
             });
    CHECK(given_up);
    CHECK(in_time);
    CHECK(heard == "late");
  }
}

TEST_CASE("who speaks HTTP to TLS is told so, who speaks nothing is let go") {
  const std::pair<std::string, std::string> cases[] = {{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
                                                       {std::string(100, '\0'), ""},
                                                       {std::string("\x16\x03\x01\0\x05hello", 10), "\x15"}};
  for (const auto& [said, told] : cases) {
    INFO(said);
    Pair pair(server_context());
    bool good = true;
    std::string got;
    pair.run([&]() -> asio::awaitable<void> { good = co_await pair.server->handshake(kPatience); },
             [&]() -> asio::awaitable<void> {
               co_await asio::async_write(pair.peer, asio::buffer(said), asio::use_awaitable);
               boost::system::error_code end;
               std::array<char, 1000> piece;
               while (!end) {
                 const std::size_t n = co_await pair.peer.async_read_some(
                     asio::buffer(piece), asio::redirect_error(asio::use_awaitable, end));
                 got.append(piece.data(), n);
               }
               pair.peer.close();
             });
    CHECK_FALSE(good);
    CHECK(got.substr(0, told.size()) == told);
    CHECK(got.empty() == told.empty());
  }
}

TEST_CASE("a handshake that does not go on ends in its time") {
  for (const std::string said : {"", "\x16\x03\x01\x02"}) {
    Pair pair(server_context());
    if (!said.empty()) pair.peer.socket().send(asio::buffer(said));
    bool good = true;
    pair.run(
        [&]() -> asio::awaitable<void> {
          good = co_await pair.server->handshake(std::chrono::milliseconds(50));
        },
        []() -> asio::awaitable<void> { co_return; });
    CHECK_FALSE(good);
    CHECK_FALSE(pair.server->socket().is_open());
  }
}

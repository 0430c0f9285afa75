#include "broker/gateway/http_session.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>

#include "broker/gateway/http/exchange.hpp"
#include "broker/gateway/http/http_text.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "broker/gateway/request_head.hpp"
#include "broker/gateway/response_head.hpp"

namespace prismbus {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kRead = 4096;
constexpr std::size_t kGzipFrom = 4096;  // bytes; less travels as fast as it is
constexpr std::size_t kBufferBytes = 80u
                                     << 10;  // what is read and not understood: a header, a chunk's own line

const boost::system::error_category& http_category() {
  return http::make_error_code(http::error::bad_version).category();
}

auto with(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

// An address without a port, as every door gives it: limits go by it.
std::string origin_text(const asio::ip::tcp::socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return {};
  const asio::ip::address address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

HttpResponse too_large_response(int status, std::string field, std::size_t limit) {
  Error error = error_of(ErrorCode::too_large, "more than a request may have");
  error.field = std::move(field), error.limit = limit;
  return error_response(error, status);
}

HttpResponse late_response(std::string_view why) {
  return error_response(error_of(ErrorCode::timeout, std::string(why)), 408);
}

HttpResponse malformed_response(std::string_view field, std::string why) {
  return error_response(fail_field(std::string(field), std::move(why)).value());
}

}  // namespace

HttpSession::HttpSession(PeerStream stream, CoreLink& link, WebSockets& sockets, const OriginRules& origins,
                         BodyBudget& bodies, const HttpLimits& limits, HttpMeter& meter)
    : stream_(std::move(stream)),
      buffer_(kBufferBytes),
      link_(link),
      sockets_(sockets),
      origins_(origins),
      bodies_(bodies),
      limits_(limits),
      meter_(meter),
      connection_(link.open(origin_text(stream_.socket()), *this)),
      replied_(stream_.get_executor()) {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

HttpSession::~HttpSession() {
  bodies_.give_back(body_bytes_);
  link_.close(connection_);
}

asio::awaitable<void> HttpSession::run(std::shared_ptr<HttpSession>) {
  idle_ = true;
  bool goes_on = co_await stream_.handshake(limits_.header);
  idle_ = false;
  while (goes_on && !finishing_ && !cut_) {
    goes_on = co_await serve_one();
    meter_.count(std::exchange(answered_, {}), read_clock().steady);
  }
  if (handed_over_) co_return;
  co_await stream_.say_goodbye();
}

void HttpSession::finish() {
  finishing_ = true;
  replied_.cancel();
  if (idle_) cut();
}

void HttpSession::cut() {
  cut_ = true;
  replied_.cancel();
  if (!handed_over_) stream_.close();
}

void HttpSession::on_reply(std::string payload) {
  reply_ = std::move(payload);
  replied_.cancel();
}
void HttpSession::on_cut() {
  cut();
}

// False: it was the last one of this connection.
asio::awaitable<bool> HttpSession::serve_one() {
  error_code error;
  if (buffer_.size() == 0) {
    stream_.expires_after(limits_.idle);
    idle_ = true;
    const std::size_t read = co_await stream_.async_read_some(buffer_.prepare(kRead), with(error));
    idle_ = false;
    if (error) co_return false;
    buffer_.commit(read);
  }
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
  parser.body_limit(limits_.body_bytes_max);
  stream_.read_within(limits_.header);
  co_await http::async_read_header(stream_, buffer_, parser, with(error));
  const bool was_late = stream_.end_reading();
  // What g++ 12 makes of an aggregate that is made within a co_await it destroys twice: they have names here.
  HttpRequest request;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    HttpResponse response = too_large_response(431, "header", limits_.header_bytes_max);
    co_await refuse(request, std::move(response));
    co_return false;
  }
  if (error && was_late) {
    HttpResponse response = late_response("no header in time");
    co_await refuse(request, std::move(response));
    co_return false;
  }
  const bool is_long = error == http::error::body_limit;  // its length stands in the header
  if (error && !is_long) {
    const bool was_http = error != http::error::end_of_stream && error.category() == http_category();
    if (was_http) {
      HttpResponse response = malformed_response("request", "no HTTP/1.1: " + error.message());
      co_await refuse(request, std::move(response));
    }
    co_return false;
  }
  is_http_10_ = parser.get().version() < 11;
  request = request_of_head(parser.get());
  if (auto admitted = origins_.admit(request); !admitted) {
    HttpResponse response = error_response(admitted.error());
    co_await refuse(request, std::move(response));
    co_return false;
  }
  if (has_doubtful_length(request, is_http_10_)) {
    HttpResponse response = malformed_response("Transfer-Encoding", "one chunked, or a Content-Length");
    co_await refuse(request, std::move(response));
    co_return false;
  }
  if (is_long) {
    HttpResponse response = too_large_response(413, "body", limits_.body_bytes_max);
    co_await refuse(request, std::move(response));
    co_return false;
  }
  if (boost::beast::websocket::is_upgrade(parser.get())) {
    HttpResponse refusal;
    const Upgraded upgraded = upgrade(parser, request, refusal);
    if (upgraded == Upgraded::no) {
      co_await refuse(request, std::move(refusal));
      co_return false;
    }
    if (upgraded == Upgraded::yes) co_return false;
  }
  const bool keep_alive = parser.get().keep_alive() && !is_http_10_ && !finishing_;
  const bool good = co_await read_body(parser, request) && co_await answer(request, keep_alive);
  bodies_.give_back(std::exchange(body_bytes_, 0));
  if (!keep_alive) co_return false;
  co_return good;
}

// No coroutine: g++ 12 does not keep apart what such a block makes there.
HttpSession::Upgraded HttpSession::upgrade(Parser& parser, const HttpRequest& request,
                                           HttpResponse& refusal) {
  auto to = upgrade_of(request);
  if (!to) {
    refusal = error_response(to.error());
    return Upgraded::no;
  }
  if (!*to) return Upgraded::not_here;
  if (buffer_.size() > 0) {
    refusal = malformed_response("request", "nothing may follow it before it is answered");
    return Upgraded::no;
  }
  handed_over_ = true;
  answered_ = {(*to)->route, request.verb, 101, {}};
  sockets_.take(std::move(stream_), std::exchange(connection_, ConnectionId()), std::move(**to),
                parser.release());
  return Upgraded::yes;
}

asio::awaitable<bool> HttpSession::read_body(Parser& parser, HttpRequest& request) {
  if (parser.is_done()) co_return true;
  const std::size_t bytes = parser.content_length().value_or(limits_.body_bytes_max);
  if (!bodies_.take(bytes)) {
    HttpResponse response = error_response(overloaded("too many bodies are being read", 1000), 503);
    co_await refuse(request, std::move(response));
    co_return false;
  }
  body_bytes_ = bytes;
  if (const std::string* expect = request.header("expect");
      expect != nullptr && !is_http_10_ && lower(trimmed(*expect)) == "100-continue") {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!co_await write_text(std::move(go_on))) co_return false;
  }
  error_code error;
  stream_.read_within(limits_.body);
  co_await http::async_read(stream_, buffer_, parser, with(error));
  const bool was_late = stream_.end_reading();
  if (!error) {
    request.body = std::move(parser.get().body());
    co_return true;
  }
  HttpResponse response;
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    response = too_large_response(413, "body", limits_.body_bytes_max);
  } else if (was_late) {
    response = late_response("no whole body in time");
  } else if (error.category() == http_category() && error != http::error::partial_message) {
    response = malformed_response("body", "no chunks: " + error.message());
  } else {
    co_return false;
  }
  co_await refuse(request, std::move(response));
  co_return false;
}

asio::awaitable<bool> HttpSession::answer(const HttpRequest& request, bool keep_alive) {
  answered_.started = read_clock().steady;
  if (origins_.is_preflight(request)) {
    HttpResponse response = preflight_response();
    co_return co_await write(request, std::move(response), keep_alive);
  }
  GatewayFacts facts = link_.facts(&meter_);
  facts.web_sockets = sockets_.size();
  const auto exchange = open_exchange(request, facts);
  answered_.route = exchange->route;
  ExchangeStep step = exchange->begin();
  for (;;) {
    std::string payload;
    if (auto* response = std::get_if<HttpResponse>(&step)) {
      co_return co_await write(request, std::move(*response), keep_alive);
    }
    if (auto* piece = std::get_if<Streamed>(&step)) {
      payload = std::move(piece->ask);
      if (!co_await write_piece(request, std::move(piece->text), payload.empty(), keep_alive))
        co_return false;
      if (payload.empty()) co_return !is_http_10_;
      if (request.verb == Verb::head) co_return false;  // the head is out; nothing of the rest is wanted
    } else {
      payload = std::move(std::get<Ask>(step).payload);
    }
    const auto reply = co_await ask(std::move(payload));
    if (!reply) {
      if (!cut_ && !streaming_) {
        HttpResponse response =
            error_response(error_of(ErrorCode::timeout, "no answer of the broker: unknown outcome"));
        co_await refuse(request, std::move(response));
      }
      co_return false;
    }
    step = exchange->on_reply(*reply);
  }
}

asio::awaitable<std::optional<std::string>> HttpSession::ask(std::string payload) {
  if (cut_ || finishing_) co_return std::nullopt;
  reply_.reset();
  link_.ask(connection_, std::move(payload));
  replied_.expires_after(limits_.answer);
  error_code woken;
  co_await replied_.async_wait(with(woken));
  co_return std::exchange(reply_, std::nullopt);
}

asio::awaitable<bool> HttpSession::write(const HttpRequest& request, HttpResponse response, bool keep_alive) {
  answered_.verb = request.verb, answered_.status = response.status;
  const bool has_content = !response.content_type.empty();
  const bool is_long = has_content && response.body.size() >= kGzipFrom;
  if (is_long || response.status == 304) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (is_long && wants_gzip(request)) {
    Gzip gzip;
    response.body = gzip.add(response.body, Gzip::More::no);
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
  std::string text = begin_response(response, origins_, request, keep_alive);
  if (has_content) text += fmt::format("Content-Length: {}\r\n", response.body.size());
  text += "\r\n";
  if (request.verb != Verb::head) text += response.body;
  return write_text(std::move(text));
}

// A piece of a body whose length nobody knows yet; the first one brings the head. HTTP/1.0 has no chunks:
// there the body ends with the connection. HEAD is answered with the head alone.
asio::awaitable<bool> HttpSession::write_piece(const HttpRequest& request, std::string text, bool last,
                                               bool keep_alive) {
  const bool has_body = request.verb != Verb::head;
  std::string out;
  if (!std::exchange(streaming_, true)) {
    HttpResponse head;
    answered_.verb = request.verb, answered_.status = head.status;
    head.content_type = "application/x-ndjson";
    if (!is_http_10_) head.headers.emplace_back("Transfer-Encoding", "chunked");
    head.headers.emplace_back("Vary", "Accept-Encoding");
    if (wants_gzip(request)) {
      head.headers.emplace_back("Content-Encoding", "gzip");
      gzip_ = std::make_unique<Gzip>();
    }
    out = begin_response(head, origins_, request, keep_alive && (has_body || last)) + "\r\n";
  }
  if (gzip_) text = gzip_->add(text, last ? Gzip::More::no : Gzip::More::yes);
  if (has_body && is_http_10_) {
    out += text;
  } else if (has_body) {
    if (!text.empty()) out += fmt::format("{:x}\r\n{}\r\n", text.size(), text);
    if (last) out += "0\r\n\r\n";
  }
  if (last) {
    streaming_ = false;
    gzip_.reset();
  }
  return write_text(std::move(out));
}

asio::awaitable<bool> HttpSession::write_text(std::string text) {
  error_code error;
  stream_.expires_after(limits_.write);
  co_await asio::async_write(stream_, asio::buffer(text), with(error));
  co_return !error;
}

// The connection is closed behind the answer.
asio::awaitable<void> HttpSession::refuse(const HttpRequest& request, HttpResponse response) {
  const bool written = co_await write(request, std::move(response), false);
  if (!written) co_return;
  co_await stream_.linger(limits_.linger);
}

}  // namespace prismbus

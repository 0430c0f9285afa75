#include "broker/gateway/http_session.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>

#include "broker/gateway/reply_json.hpp"

namespace prismbus {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kRead = 4096;
constexpr std::size_t kGzipFrom = 4096;  // bytes; less travels as fast as it is

auto with(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

Verb verb_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Verb::get;
    case http::verb::head:
      return Verb::head;
    case http::verb::put:
      return Verb::put;
    case http::verb::post:
      return Verb::post;
    case http::verb::delete_:
      return Verb::del;
    case http::verb::options:
      return Verb::options;
    default:
      return Verb::other;
  }
}

std::string lower(boost::beast::string_view text) {
  std::string out(text.begin(), text.end());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Everything but the body.
HttpRequest head_of(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.verb = verb_of(message.method());
  request.target.assign(message.target().begin(), message.target().end());
  for (const auto& field : message)
    request.headers.emplace_back(lower(field.name_string()),
                                 std::string(field.value().begin(), field.value().end()));
  return request;
}

std::string origin_text(const asio::ip::tcp::socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return {};
  return fmt::format("{}:{}", peer.address().to_string(), peer.port());
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  out += fmt::format("{}: {}\r\n", name, value);
}

// Status line and the headers that every response has.
std::string begin_response(const HttpResponse& response, const OriginRules& origins,
                           const HttpRequest& request, bool keep_alive) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, std::string(reason.begin(), reason.end()));
  if (!response.content_type.empty()) add_header(out, "Content-Type", response.content_type);
  bool has_caching = false;
  for (const auto& [name, value] : response.headers) {
    add_header(out, name, value);
    has_caching = has_caching || name == "Cache-Control";
  }
  if (!has_caching) add_header(out, "Cache-Control", "no-store");
  for (const auto& [name, value] : origins.cors_headers(request)) add_header(out, name, value);
  add_header(out, "X-Content-Type-Options", "nosniff");
  if (!keep_alive) add_header(out, "Connection", "close");
  return out;
}

bool wants_gzip(const HttpRequest& request) {
  const std::string* header = request.header("accept-encoding");
  return header != nullptr && accepts_gzip(*header);
}

HttpResponse preflight_response() {
  HttpResponse response{.status = 204, .content_type = {}};
  response.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE"},
                      {"Access-Control-Allow-Headers",
                       "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key"},
                      {"Access-Control-Max-Age", "600"}};
  return response;
}

HttpResponse too_large_response(int status, std::string field, std::size_t limit) {
  Error error = error_of(ErrorCode::too_large, "more than a request may have");
  error.field = std::move(field), error.limit = limit;
  return error_response(error, status);
}

}  // namespace

HttpSession::HttpSession(asio::ip::tcp::socket socket, CoreLink& link, const OriginRules& origins,
                         const HttpLimits& limits)
    : stream_(std::move(socket)),
      link_(link),
      origins_(origins),
      limits_(limits),
      connection_(link.open(origin_text(stream_.socket()), *this)),
      replied_(stream_.get_executor()) {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

HttpSession::~HttpSession() {
  link_.close(connection_);
}

asio::awaitable<void> HttpSession::run(std::shared_ptr<HttpSession>) {
  while (!finishing_ && !cut_ && co_await serve_one()) {
  }
  error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.close();
}

void HttpSession::finish() {
  finishing_ = true;
  if (idle_) cut();
}

void HttpSession::cut() {
  cut_ = true;
  replied_.cancel();
  stream_.close();
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
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
  parser.body_limit(limits_.body_bytes_max);
  stream_.expires_after(limits_.header);
  co_await http::async_read_header(stream_, buffer_, parser, with(error));
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    co_await refuse(too_large_response(431, "header", limits_.header_bytes_max));
    co_return false;
  }
  if (error == http::error::body_limit) {
    co_await refuse(too_large_response(413, "body", limits_.body_bytes_max));
    co_return false;
  }
  if (error == boost::beast::error::timeout || error == http::error::end_of_stream) co_return false;
  if (error) {
    if (error.category() == http::make_error_code(http::error::bad_version).category())
      co_await refuse(error_response(fail_field("request", "no HTTP/1.1: " + error.message()).value()));
    co_return false;
  }
  HttpRequest request = head_of(parser.get());
  if (auto admitted = origins_.admit(request); !admitted) {
    co_await refuse(error_response(admitted.error()));
    co_return false;
  }
  if (const std::string* expect = request.header("expect"); expect != nullptr && *expect == "100-continue") {
    if (!co_await write_text("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
  }
  stream_.expires_after(limits_.body);
  co_await http::async_read(stream_, buffer_, parser, with(error));
  if (error == http::error::body_limit) {
    co_await refuse(too_large_response(413, "body", limits_.body_bytes_max));
    co_return false;
  }
  if (error) co_return false;
  const bool keep_alive = parser.get().keep_alive() && !finishing_;
  request.body = std::move(parser.get().body());
  co_return co_await answer(request, keep_alive) && keep_alive;
}

asio::awaitable<bool> HttpSession::answer(const HttpRequest& request, bool keep_alive) {
  if (origins_.is_preflight(request)) co_return co_await write(request, preflight_response(), keep_alive);
  const auto exchange = open_exchange(request, link_.facts());
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
      if (payload.empty()) co_return true;
      if (request.verb == Verb::head) co_return false;  // the head is out; nothing of the rest is wanted
    } else {
      payload = std::move(std::get<Ask>(step).payload);
    }
    const auto reply = co_await ask(std::move(payload));
    if (!reply) {
      if (!cut_ && !streaming_) {
        co_await refuse(
            error_response(error_of(ErrorCode::timeout, "no answer of the broker: unknown outcome")));
      }
      co_return false;
    }
    step = exchange->on_reply(*reply);
  }
}

asio::awaitable<std::optional<std::string>> HttpSession::ask(std::string payload) {
  reply_.reset();
  link_.ask(connection_, std::move(payload));
  replied_.expires_after(limits_.answer);
  error_code woken;
  co_await replied_.async_wait(with(woken));
  co_return std::exchange(reply_, std::nullopt);
}

asio::awaitable<bool> HttpSession::write(const HttpRequest& request, HttpResponse response, bool keep_alive) {
  const bool has_content = !response.content_type.empty();
  if (has_content && response.body.size() >= kGzipFrom) {
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (wants_gzip(request)) {
      response.body = Gzip().add(response.body, Gzip::More::no);
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
  }
  std::string text = begin_response(response, origins_, request, keep_alive);
  if (has_content) add_header(text, "Content-Length", fmt::format("{}", response.body.size()));
  text += "\r\n";
  if (request.verb != Verb::head) text += response.body;
  return write_text(std::move(text));
}

// A chunk of a body whose length nobody knows yet; the first one brings the head.
asio::awaitable<bool> HttpSession::write_piece(const HttpRequest& request, std::string text, bool last,
                                               bool keep_alive) {
  std::string out;
  if (!streaming_) {
    streaming_ = true;
    HttpResponse head{.content_type = "application/x-ndjson"};
    head.headers = {{"Transfer-Encoding", "chunked"}, {"Vary", "Accept-Encoding"}};
    if (wants_gzip(request)) {
      head.headers.emplace_back("Content-Encoding", "gzip");
      gzip_ = std::make_unique<Gzip>();
    }
    out = begin_response(head, origins_, request, keep_alive) + "\r\n";
  }
  if (gzip_) text = gzip_->add(text, last ? Gzip::More::no : Gzip::More::yes);
  if (request.verb == Verb::head) text.clear(), last = false;
  if (!text.empty()) out += fmt::format("{:x}\r\n{}\r\n", text.size(), text);
  if (last) {
    out += "0\r\n\r\n";
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

// A request that is not read to its end: the connection is closed behind the answer.
asio::awaitable<void> HttpSession::refuse(HttpResponse response) {
  co_await write(HttpRequest{}, std::move(response), false);
}

}  // namespace prismbus

#include "broker/gateway/web_socket.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <array>

#include "broker/gateway/live/upgrade.hpp"

namespace prismbus {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 16u << 10;  // of one look at a message
constexpr std::size_t kBufferKept = 4096;      // bytes; what a long message needed is given back behind it

auto with(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

}  // namespace

WebSocket::WebSocket(PeerStream stream, CoreLink& link, ConnectionId connection, const AccessRulesPtr& rules,
                     BodyBudget& messages, std::unique_ptr<SocketTalk> talk)
    : stream_(std::move(stream)),
      stirred_(stream_.get_executor()),
      link_(link),
      connection_(connection),
      rules_(rules),
      messages_(messages),
      talk_(std::move(talk)) {
  link_.hand_over(connection_, *this);
  talk_->set_driver(*this);
}

WebSocket::~WebSocket() {
  give_room_back();
  link_.close(connection_);
}

asio::awaitable<void> WebSocket::run(std::shared_ptr<WebSocket>, HttpHead asked, bool names_protocol) {
  stream_.next_layer().expires_never();
  stream_.set_option(websocket::stream_base::timeout{kHandshake, kIdle, true});
  stream_.set_option(websocket::stream_base::decorator([names_protocol](websocket::response_type& response) {
    response.erase(http::field::server);
    if (names_protocol) response.set(http::field::sec_websocket_protocol, std::string(kSocketProtocol));
  }));
  stream_.read_message_max(kMessageBytesMax);
  stream_.auto_fragment(false);
  error_code error;
  co_await stream_.async_accept(asked, with(error));
  if (error) co_return;
  asked = HttpHead();
  open_ = true;
  stream_.text(true);
  step();
  while (!closing_) {
    if (buffer_.size() == 0 && !talk_->takes_text()) {
      stirred_.expires_at(Steady::max());
      error_code woken;
      co_await stirred_.async_wait(with(woken));
      continue;
    }
    co_await stream_.async_read_some(buffer_, kReadBytes, with(error));
    if (error) break;
    on_read();
  }
  // The peer's part in the end, when it was this side that began it: until the close is through, or given up.
  while (closing_ && !error) {
    buffer_.clear();
    co_await stream_.async_read_some(buffer_, kReadBytes, with(error));
  }
  open_ = false;
  // A peer that has only ceased to send, and reads nothing, would keep what is being written for ever. A
  // close frame on its way has its time, which tick() keeps.
  if (!saying_goodbye_) cut();
  while (writing_ || saying_goodbye_) {
    stirred_.expires_at(Steady::max());
    error_code woken;
    co_await stirred_.async_wait(with(woken));
  }
  cut();
  // A PING of Beast's own may have been on its way: its end is in the queue by now, and looks at the stream.
  co_await asio::post(stream_.get_executor(), asio::use_awaitable);
}

// A part of a message, or all of it.
void WebSocket::on_read() {
  const Now now = read_clock();
  if (!stream_.is_message_done()) {
    if (begun_ == Steady{}) begun_ = now.steady;
    if (!take_room()) talk_->close(close_code::kTryLater, "too many messages are being read");
    return step();
  }
  begun_ = Steady{};
  if (stream_.got_text()) {
    talk_->on_text({static_cast<const char*>(buffer_.data().data()), buffer_.size()}, now);
  } else {
    talk_->close(close_code::kUnsupported, "messages are text");
  }
  buffer_.consume(buffer_.size());
  if (buffer_.capacity() > kBufferKept) buffer_.shrink_to_fit();
  give_room_back();
  step();
}

// For what the buffer has grown to.
bool WebSocket::take_room() {
  const std::size_t needed = buffer_.capacity() > kBufferKept ? buffer_.capacity() : 0;
  if (needed <= room_taken_) return true;
  if (!messages_.take(needed - room_taken_)) return false;
  room_taken_ = needed;
  return true;
}

void WebSocket::give_room_back() {
  messages_.give_back(std::exchange(room_taken_, 0));
}

void WebSocket::tick(Now now) {
  talk_->tick(now);
  if (begun_ != Steady{} && now.steady - begun_ > kMessage)
    talk_->close(close_code::kPolicy, "no whole message in time");
  if (closing_since_ != Steady{} && now.steady - closing_since_ > kClosing) return cut();
  step();
}

// Whatever is to be done next: sent, asked, closed, read.
void WebSocket::step() {
  if (!open_) return;
  if (talk_->closing() && closing_since_ == Steady{}) closing_since_ = read_clock().steady;
  if (!writing_ && !closing_) {
    if (!talk_->outbox().empty()) {
      write();
    } else if (talk_->closing()) {
      return close();
    }
  }
  if (std::string request = talk_->take_request(); !request.empty())
    link_.ask(connection_, std::move(request));
  stirred_.cancel();
}

// A piece of the first message, as a frame: one of many MiB takes its time on a slow way, and must not look
// as if nobody read.
void WebSocket::write() {
  writing_ = true;
  const OutMessage& message = talk_->outbox().front();
  const auto body = message.body ? asio::buffer(*message.body) : asio::const_buffer();
  const std::size_t in_head = std::min(written_, message.head.size());
  const auto head = asio::buffer(asio::buffer(message.head) + in_head, kPieceBytes);
  const std::array<asio::const_buffer, 2> piece{
      head, asio::buffer(body + (written_ - in_head), kPieceBytes - head.size())};
  const std::size_t end = written_ + asio::buffer_size(piece);
  const bool is_last = end == message.size();
  stream_.async_write_some(is_last, piece,
                           [self = shared_from_this(), end, is_last](error_code error, std::size_t) {
                             self->writing_ = false;
                             self->stirred_.cancel();
                             if (error) return self->cut();
                             self->on_written(end, is_last);
                           });
}

void WebSocket::on_written(std::size_t end, bool is_last) {
  const Now now = read_clock();
  written_ = is_last ? 0 : end;
  if (is_last) {
    talk_->outbox().pop(now.steady);
    talk_->on_sent(now);
  } else {
    talk_->outbox().moves(now.steady);
  }
  step();
}

void WebSocket::close() {
  closing_ = saying_goodbye_ = true;
  const CloseReason& why = *talk_->closing();
  const websocket::close_reason reason(static_cast<websocket::close_code>(why.code), why.text);
  stream_.async_close(reason, [self = shared_from_this()](error_code) {
    self->saying_goodbye_ = false;
    self->cut();
  });
  stirred_.cancel();
}

void WebSocket::cut() {
  open_ = false;
  closing_ = true;
  stream_.next_layer().close();
  stirred_.cancel();
}

void WebSocket::on_greeted(std::shared_ptr<const Principal> principal) {
  talk_->on_greeted(std::move(principal), rules_);
}
void WebSocket::on_reply(std::string payload) {
  talk_->on_reply(payload, read_clock());
  step();
}
void WebSocket::on_cut() {
  talk_->close(close_code::kPolicy, "the broker wants this connection gone");
  step();
}

}  // namespace prismbus

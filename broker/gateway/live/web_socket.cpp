#include "broker/gateway/live/web_socket.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>

#include <array>

#include "broker/gateway/live/upgrade.hpp"

namespace prismbus {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr std::size_t kBufferKept = 4096;  // bytes; what a long message needed is given back behind it

auto with(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

}  // namespace

WebSocket::WebSocket(PeerStream stream, CoreLink& link, ConnectionId connection, const AccessRulesPtr& rules,
                     std::unique_ptr<SocketTalk> talk)
    : stream_(std::move(stream)),
      may_read_(stream_.get_executor()),
      link_(link),
      connection_(connection),
      rules_(rules),
      talk_(std::move(talk)) {
  link_.hand_over(connection_, *this);
  talk_->set_driver(*this);
}

WebSocket::~WebSocket() {
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
    if (!talk_->takes_text()) {
      may_read_.expires_at(Steady::max());
      error_code woken;
      co_await may_read_.async_wait(with(woken));
      continue;
    }
    co_await stream_.async_read(buffer_, with(error));
    if (error) break;
    const Now now = read_clock();
    if (stream_.got_text()) {
      talk_->on_text({static_cast<const char*>(buffer_.data().data()), buffer_.size()}, now);
    } else {
      talk_->close(close_code::kUnsupported, "messages are text");
    }
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kBufferKept) buffer_.shrink_to_fit();
    step();
  }
  // The peer's part in the end, when it was this side that began it: until the close is through, or given up.
  while (closing_ && !error) {
    buffer_.clear();
    co_await stream_.async_read(buffer_, with(error));
  }
  open_ = false;
}

void WebSocket::tick(Now now) {
  talk_->tick(now);
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
  may_read_.cancel();
}

void WebSocket::write() {
  writing_ = true;
  const OutMessage& message = talk_->outbox().front();
  const std::array<asio::const_buffer, 2> buffers{
      asio::buffer(message.head), message.body ? asio::buffer(*message.body) : asio::const_buffer()};
  stream_.async_write(buffers, [self = shared_from_this()](error_code error, std::size_t) {
    self->writing_ = false;
    if (error) return self->cut();
    const Now now = read_clock();
    self->talk_->outbox().pop(now.steady);
    self->talk_->on_sent(now);
    self->step();
  });
}

void WebSocket::close() {
  closing_ = true;
  const CloseReason& why = *talk_->closing();
  const websocket::close_reason reason(static_cast<websocket::close_code>(why.code), why.text);
  stream_.async_close(reason, [self = shared_from_this()](error_code) { self->cut(); });
  may_read_.cancel();
}

void WebSocket::cut() {
  open_ = false;
  closing_ = true;
  stream_.next_layer().close();
  may_read_.cancel();
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

#include "broker/gateway/gateway.hpp"

#include "broker/gateway/http_session.hpp"  // before the rest of Asio
#include "broker/gateway/web_sockets.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <climits>

#include <unordered_map>

#include "broker/gateway/http/reply_json.hpp"
#include "broker/gateway/tls_identity.hpp"

namespace prismbus {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kAcceptAgain{100};  // no descriptor is free
constexpr std::chrono::milliseconds kFinish{500};       // for answers on their way when it ends
constexpr std::chrono::seconds kReport{10};             // between two lines about what was refused
constexpr std::chrono::seconds kTick{1};                // WebSockets: who reads too slowly, whose token ended
constexpr int kDescriptorsKept = 64;                    // for the disk and the other doors

std::string full_text() {
  const std::string body = error_text(overloaded("too many connections of the gateway", 1000));
  return fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
      "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
}

auto with(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

std::string authority_of(const tcp::endpoint& at) {
  return at.address().is_v6() ? fmt::format("[{}]:{}", at.address().to_string(), at.port())
                              : fmt::format("{}:{}", at.address().to_string(), at.port());
}

Result<tcp::endpoint> resolve(const GatewaySettings& settings) {
  if (settings.host == "*") return tcp::endpoint(tcp::v4(), settings.port);
  error_code error;
  asio::io_context context;
  const auto found = tcp::resolver(context).resolve(settings.host, fmt::format("{}", settings.port),
                                                    tcp::resolver::passive, error);
  if (error || found.empty())
    return fail(ErrorCode::unavailable, fmt::format("gateway: {}: {}", settings.host, error.message()));
  return found.begin()->endpoint();
}

}  // namespace

struct Gateway::Impl {
  Impl(const GatewaySettings& settings, Queues queues, const BusPulse& pulse, Waker& its_waker, LogSink sink)
      : log(std::move(sink)),
        connections_max(settings.connections_max),
        waker(its_waker),
        link(queues.to_bus, queues.from_bus, pulse),
        sockets(context, link, queues.live),
        origins(settings.host == "*" ? "" : settings.host, settings.hosts, settings.origins,
                settings.tls.certificate.empty() ? Scheme::http : Scheme::https),
        acceptor(context),
        woken(context),
        report_at(context),
        tick_at(context),
        look_at(context) {}

  Result<void> listen(const tcp::endpoint& at) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX)
      descriptors = static_cast<int>(limit.rlim_cur) - kDescriptorsKept;
    error_code error;
    const int wakes = ::fcntl(waker.fd(), F_DUPFD_CLOEXEC, 0);
    if (wakes < 0) return fail(ErrorCode::unavailable, "gateway: no descriptor is left");
    woken.assign(wakes, error);
    if (!error) acceptor.open(at.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (error)
      return fail(ErrorCode::unavailable, fmt::format("gateway: {}: {}", authority_of(at), error.message()));
    endpoint = (tls ? "https://" : "http://") + authority_of(acceptor.local_endpoint());
    return {};
  }

  asio::awaitable<void> accept() {
    asio::steady_timer again(context);
    while (acceptor.is_open()) {
      error_code error;
      tcp::socket socket = co_await acceptor.async_accept(with(error));
      if (!error) {
        take(std::move(socket));
      } else if (acceptor.is_open()) {
        ++refused;
        again.expires_after(kAcceptAgain);
        co_await again.async_wait(with(error));
      }
    }
  }

  void take(tcp::socket socket) {
    if (sessions.size() + sockets.size() >= connections_max || !link.has_room() ||
        socket.native_handle() >= descriptors) {
      ++refused;
      meter.count_refused_connection();
      error_code ignored;
      socket.non_blocking(true, ignored);
      if (!tls) socket.write_some(asio::buffer(full_text()), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
      return;
    }
    PeerStream stream(std::move(socket), tls ? tls->context() : nullptr);
    auto session =
        std::make_shared<HttpSession>(std::move(stream), link, sockets, origins, bodies, limits, meter);
    HttpSession* const key = session.get();
    sessions.emplace(key, session);
    asio::co_spawn(context, session->run(session), [this, key](const std::exception_ptr& thrown) {
      if (key->handshake_failed()) ++handshakes_failed;
      if (thrown) ++failed;
      sessions.erase(key);
    });
  }

  // Repeats are counted and told every ten seconds, so that a flood of peers is not a flood of lines.
  asio::awaitable<void> report() {
    error_code ended;
    while (!ended) {
      report_at.expires_after(kReport);
      co_await report_at.async_wait(with(ended));
      if (refused + failed + handshakes_failed == 0) continue;
      log(LogLevel::warn, LogLine("gateway_connections")
                              .with("refused", std::exchange(refused, 0))
                              .with("failed", std::exchange(failed, 0))
                              .with("handshakes_failed", std::exchange(handshakes_failed, 0))
                              .text());
    }
  }

  asio::awaitable<void> tick() {
    error_code ended;
    while (!ended) {
      tick_at.expires_after(kTick);
      co_await tick_at.async_wait(with(ended));
      if (!ended) sockets.tick(read_clock());
    }
  }

  asio::awaitable<void> look_at_certificate() {
    error_code ended;
    while (tls && !ended) {
      look_at.expires_after(FileLook::kEvery);
      co_await look_at.async_wait(with(ended));
      tls->step(read_clock());
    }
  }

  // The bus has answered or applied something, or the broker stops.
  asio::awaitable<void> listen_to_bus(const std::stop_token& stop) {
    for (;;) {
      error_code error;
      co_await woken.async_wait(asio::posix::stream_descriptor::wait_read, with(error));
      waker.clear();
      link.fetch_replies();
      sockets.fetch(read_clock());
      link.give_replies();
      if (!stop.stop_requested()) continue;
      co_await finish();
      co_return;
    }
  }

  asio::awaitable<void> finish() {
    error_code ignored;
    acceptor.close(ignored);
    report_at.cancel();
    tick_at.cancel();
    sockets.finish();
    look_at.cancel();
    for (const auto& [key, session] : sessions) session->finish();
    asio::steady_timer patience(context, kFinish);
    while (sessions.size() + sockets.size() > 0 &&
           patience.expiry() > asio::steady_timer::clock_type::now()) {
      asio::steady_timer look(context, std::chrono::milliseconds(5));
      co_await look.async_wait(with(ignored));
    }
    for (const auto& [key, session] : sessions) session->cut();
    sockets.cut();
  }

  const LogSink log;
  const std::size_t connections_max;
  Waker& waker;
  CoreLink link;
  asio::io_context context{1};
  WebSockets sockets;
  const OriginRules origins;
  std::unique_ptr<TlsIdentity> tls;  // null: plain HTTP
  const HttpLimits limits{};
  tcp::acceptor acceptor;
  asio::posix::stream_descriptor woken;
  asio::steady_timer report_at, tick_at, look_at;
  BodyBudget bodies;
  HttpMeter meter;
  std::string endpoint;       // as bound
  int descriptors = INT_MAX;  // a connection with this number is one too many
  std::unordered_map<HttpSession*, std::shared_ptr<HttpSession>> sessions;
  std::uint64_t refused = 0, failed = 0, handshakes_failed = 0;  // since they were last told
};

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

std::size_t Gateway::queue_capacity(std::size_t connections_max) {
  return CoreLink::queue_capacity(connections_max);
}

Result<std::unique_ptr<Gateway>> Gateway::open(const GatewaySettings& settings, Queues queues,
                                               const BusPulse& pulse, Waker& waker, LogSink log) {
  const auto at = resolve(settings);
  if (!at) return tl::unexpected(at.error());
  auto impl = std::make_unique<Impl>(settings, queues, pulse, waker, std::move(log));
  if (!settings.tls.certificate.empty()) {
    auto identity = TlsIdentity::open(settings.tls, impl->log, read_clock());
    if (!identity) return tl::unexpected(identity.error());
    impl->tls = std::move(*identity);
  }
  if (auto listening = impl->listen(*at); !listening) return tl::unexpected(listening.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

std::string Gateway::endpoint() const {
  return impl_->endpoint;
}

void Gateway::run(const std::stop_token& stop) {
  // Without either the gateway would be deaf, or never end: what ends one of them ends the process.
  const auto loudly = [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(impl_->context, impl_->accept(), loudly);
  asio::co_spawn(impl_->context, impl_->listen_to_bus(stop), loudly);
  asio::co_spawn(impl_->context, impl_->report(), loudly);
  asio::co_spawn(impl_->context, impl_->tick(), loudly);
  asio::co_spawn(impl_->context, impl_->look_at_certificate(), loudly);
  impl_->context.run();
}

}  // namespace prismbus

#include "proto/client/broker_reads.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "proto/client/read_agent.hpp"
#include "proto/client/reads.hpp"
#include "proto/transport/context.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::minutes kTimeoutMax{30};

}  // namespace

class BrokerReads::Impl {
 public:
  explicit Impl(std::chrono::milliseconds timeout) : timeout_(timeout) {}
  ~Impl() { stop(); }

  [[nodiscard]] Result<void> make_agent(BrokerReadsOptions options) {
    ConnectionOptions connection;
    connection.brokers = std::move(options.brokers);
    connection.client = std::move(options.client);
    connection.credentials = std::move(options.credentials);
    auto agent = ReadAgent::make(context_, std::move(connection), options.open_max, std::move(options.log));
    if (!agent) return tl::unexpected<Error>(agent.error());
    agent_ = std::move(*agent);
    return {};
  }

  // Hands a read to the background thread, or answers it here.
  template <class T>
  ReadFuture<T> ask(Asked<T> asked, std::optional<std::chrono::milliseconds> timeout) {
    const Steady deadline =
        read_clock().steady + std::min<std::chrono::milliseconds>(timeout.value_or(timeout_), kTimeoutMax);
    std::call_once(started_, [this] { thread_ = std::thread([this] { run(); }); });
    if (!agent_->offer(asked.read, deadline)) {
      asked.read->fail_with(overloaded("open_max reads of the broker are open", 10));
    }
    return std::move(asked.answer);
  }

  void stop() {
    stopping_.store(true, std::memory_order_release);
    std::call_once(started_, [] {});  // nobody starts the thread any more
    if (!thread_.joinable()) return agent_ ? agent_->close() : void();
    agent_->wake();
    thread_.join();
  }

 private:
  void run() {
    while (!stopping_.load(std::memory_order_acquire)) {
      const Now now = read_clock();
      if (!agent_->step(now)) agent_->sleep(now);
    }
    agent_->close();
  }

  const std::chrono::milliseconds timeout_;
  Context context_;
  std::unique_ptr<ReadAgent> agent_;
  std::once_flag started_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
};

Result<std::unique_ptr<BrokerReads>> BrokerReads::open(BrokerReadsOptions options) {
  if (options.timeout <= 0ms || options.timeout > kTimeoutMax) {
    return fail_field("timeout", "above 0, at most 30 minutes");
  }
  auto impl = std::make_unique<Impl>(options.timeout);
  if (auto made = impl->make_agent(std::move(options)); !made) return tl::unexpected<Error>(made.error());
  return std::unique_ptr<BrokerReads>(new BrokerReads(std::move(impl)));
}

BrokerReads::BrokerReads(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BrokerReads::~BrokerReads() = default;
void BrokerReads::stop() {
  impl_->stop();
}

ReadFuture<Entry> BrokerReads::get(std::string_view ns, std::string_view key, const ReadCall& call) {
  return impl_->ask(ask_get(ns, key, call), call.timeout);
}
ReadFuture<std::vector<std::optional<Entry>>> BrokerReads::mget(std::string_view ns,
                                                                std::vector<std::string> keys,
                                                                const ReadCall& call) {
  return impl_->ask(ask_mget(ns, std::move(keys), call), call.timeout);
}
ReadFuture<std::vector<Entry>> BrokerReads::list(ListCall call) {
  const auto timeout = call.read.timeout;
  return impl_->ask(ask_list(std::move(call)), timeout);
}
ReadFuture<std::vector<NamespaceRow>> BrokerReads::namespaces(std::string_view under, const ReadCall& call) {
  return impl_->ask(ask_namespaces(under, call), call.timeout);
}
ReadFuture<HistoryReply> BrokerReads::history(HistoryCall call) {
  const auto timeout = call.read.timeout;
  return impl_->ask(ask_history(std::move(call)), timeout);
}
ReadFuture<DiffReply> BrokerReads::diff(DiffCall call) {
  const auto timeout = call.read.timeout;
  return impl_->ask(ask_diff(std::move(call)), timeout);
}

}  // namespace prismbus

#include "publisher/publisher.hpp"

#include <fmt/format.h>

#include <atomic>
#include <thread>
#include <utility>

#include "proto/base/random.hpp"
#include "proto/client/reads.hpp"
#include "proto/transport/context.hpp"
#include "publisher/operation.hpp"
#include "publisher/publisher_agent.hpp"
#include "publisher/publisher_reads.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::minutes kWriteTimeoutMax{30};  // no request id is repeated later than this
constexpr std::size_t kWindowMax = 8192;
constexpr auto kCoalesceMax = 1s;
constexpr auto kSleepMax = 1000ms;
constexpr auto kHeldBackWait = 250ms;  // stop() promises under a second, whatever the broker does
constexpr auto kHeldBackSlice = 10ms;

}  // namespace

class Publisher::Impl {
 public:
  explicit Impl(PublisherOptions options) : options_(std::move(options)) {}
  ~Impl() { stop(); }

  [[nodiscard]] Result<void> start() {
    auto agent = PublisherAgent::make(context_, options_);
    if (!agent) return tl::unexpected<Error>(agent.error());
    agent_ = std::move(*agent);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    stopping_.store(true, std::memory_order_release);
    agent_->wake();
    thread_.join();
  }

  [[nodiscard]] Steady deadline(std::optional<std::chrono::milliseconds> own,
                                std::chrono::milliseconds usual) const {
    return read_clock().steady + std::min<std::chrono::milliseconds>(own.value_or(usual), kWriteTimeoutMax);
  }

  // Hands a call to the background thread, or answers it here.
  void submit(std::unique_ptr<Operation> operation) {
    const bool may_wait = options_.wait_when_full && std::this_thread::get_id() != thread_.get_id();
    while (!stopping_.load(std::memory_order_acquire)) {
      if (agent_->offer(operation)) return;
      if (!may_wait || read_clock().steady >= operation->deadline) {
        Error error = fail(ErrorCode::overloaded, "the publisher's own queue is full").value();
        error.retry_after_ms = 10;
        return operation->fail_with(error);
      }
      agent_->wait_for_room();
    }
    operation->fail_with(fail(ErrorCode::unavailable, "the publisher is stopped").value());
  }

  // `make(answer)` gives the write, or why it is not to be sent.
  template <class Make>
  void write(WriteAnswer answer, std::optional<std::chrono::milliseconds> timeout, Make make) {
    Result<std::unique_ptr<Operation>> operation = make(answer);
    if (!operation) return answer.give(tl::unexpected<Error>(operation.error()));
    (*operation)->deadline = deadline(timeout, options_.write_timeout);
    submit(std::move(*operation));
  }
  template <class Make>
  [[nodiscard]] Future<WriteOutcome> write(std::optional<std::chrono::milliseconds> timeout, Make make) {
    std::promise<Result<WriteOutcome>> promise;
    auto future = promise.get_future();
    write(WriteAnswer(std::move(promise)), timeout, std::move(make));
    return future;
  }

  void read(std::unique_ptr<Operation> operation, std::optional<std::chrono::milliseconds> timeout) {
    operation->deadline = deadline(timeout, options_.read_timeout);
    submit(std::move(operation));
  }
  template <class T>
  [[nodiscard]] ReadFuture<T> read(Asked<T> asked, std::optional<std::chrono::milliseconds> timeout) {
    read(make_read(std::move(asked.read)), timeout);
    return std::move(asked.answer);
  }

  [[nodiscard]] const PublisherOptions& options() const { return options_; }
  [[nodiscard]] Counters counters() const { return agent_->counters(); }

 private:
  void run() {
    while (!stopping_.load(std::memory_order_acquire)) {
      const Now now = read_clock();
      if (!agent_->step(now)) agent_->sleep(now, kSleepMax);
    }
    const Steady until = read_clock().steady + kHeldBackWait;
    for (Now now = read_clock(); agent_->hold_nothing() && now.steady < until; now = read_clock()) {
      if (!agent_->step(now)) agent_->sleep(now, kHeldBackSlice);
    }
    agent_->close();
  }

  PublisherOptions options_;
  Context context_;
  std::unique_ptr<PublisherAgent> agent_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
};

Result<std::unique_ptr<Publisher>> Publisher::open(PublisherOptions options) {
  if (options.window == 0 || options.window > kWindowMax) return fail_field("window", "1..8192");
  if (options.queue_max < 2) return fail_field("queue_max", "at least 2");
  if (options.write_timeout <= 0ms || options.write_timeout > kWriteTimeoutMax) {
    return fail_field("write_timeout", "above 0, at most 30 minutes");
  }
  if (options.read_timeout <= 0ms) return fail_field("read_timeout", "above 0");
  if (options.coalesce_window < 0us || options.coalesce_window > kCoalesceMax) {
    return fail_field("coalesce_window", "0 (off) to 1 s");
  }
  if (options.coalesce_window > 0us && !options.outbox.directory.empty()) {
    return fail_field(
        "coalesce_window",
        "0 with an outbox.directory: a queued write keeps the request id it was sent under alone");
  }
  if (options.client.instance.empty()) options.client.instance = fmt::format("{:016x}", random_u64());
  auto impl = std::make_unique<Impl>(std::move(options));
  if (auto started = impl->start(); !started) return tl::unexpected<Error>(started.error());
  return std::unique_ptr<Publisher>(new Publisher(std::move(impl)));
}

Publisher::Publisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Publisher::~Publisher() = default;
void Publisher::stop() {
  impl_->stop();
}
Publisher::Counters Publisher::counters() const {
  return impl_->counters();
}

// ---- writes ----

// How each write is made, for a future and for a callback alike. Lends from its arguments until it is run.
namespace {

auto putting(std::string_view ns, std::string_view key, EncodedValue& value, WriteCall& call) {
  return [=, &value, &call](WriteAnswer& answer) {
    return make_put(ns, key, std::move(value), std::move(call), answer);
  };
}
auto removing(std::string_view ns, std::string_view key, WriteCall& call) {
  return [=, &call](WriteAnswer& answer) { return make_remove(ns, key, std::move(call), answer); };
}
auto committing(Transaction& transaction, WriteCall& call) {
  return [&](WriteAnswer& answer) { return make_commit(std::move(transaction), std::move(call), answer); };
}

}  // namespace

Publisher::Future<WriteOutcome> Publisher::put(std::string_view ns, std::string_view key, EncodedValue value,
                                               WriteCall call) {
  return impl_->write(call.timeout, putting(ns, key, value, call));
}
Publisher::Future<WriteOutcome> Publisher::remove(std::string_view ns, std::string_view key, WriteCall call) {
  return impl_->write(call.timeout, removing(ns, key, call));
}
Publisher::Future<WriteOutcome> Publisher::commit(Transaction transaction, WriteCall call) {
  return impl_->write(call.timeout, committing(transaction, call));
}
Publisher::Future<WriteOutcome> Publisher::rollback(std::string_view ns, std::optional<std::string> key,
                                                    Revision to, WriteCall call) {
  return impl_->write(call.timeout, [&](WriteAnswer& answer) {
    return make_rollback(ns, std::move(key), to, std::move(call), answer);
  });
}

void Publisher::put(std::string_view ns, std::string_view key, EncodedValue value, WriteCall call,
                    WriteCallback done) {
  impl_->write(WriteAnswer(std::move(done)), call.timeout, putting(ns, key, value, call));
}
void Publisher::remove(std::string_view ns, std::string_view key, WriteCall call, WriteCallback done) {
  impl_->write(WriteAnswer(std::move(done)), call.timeout, removing(ns, key, call));
}
void Publisher::commit(Transaction transaction, WriteCall call, WriteCallback done) {
  impl_->write(WriteAnswer(std::move(done)), call.timeout, committing(transaction, call));
}

bool Publisher::flush(std::chrono::milliseconds at_most) {
  std::promise<void> promise;
  auto future = promise.get_future();
  impl_->read(make_flush(std::move(promise)), at_most);
  return future.wait_for(at_most) == std::future_status::ready;
}

Publisher::Future<OutboxListing> Publisher::outbox() {
  std::promise<Result<OutboxListing>> promise;
  auto future = promise.get_future();
  impl_->read(make_outbox_list(std::move(promise)), {});
  return future;
}

Publisher::Future<void> Publisher::acknowledge(std::vector<std::uint64_t> ids) {
  std::promise<Result<void>> promise;
  auto future = promise.get_future();
  impl_->read(make_acknowledge(std::move(ids), std::move(promise)), {});
  return future;
}

// ---- reads ----

ReadFuture<Entry> Publisher::get(std::string_view ns, std::string_view key, ReadCall call) {
  return impl_->read(ask_get(ns, key, call), call.timeout);
}
ReadFuture<std::vector<std::optional<Entry>>> Publisher::mget(std::string_view ns,
                                                              std::vector<std::string> keys, ReadCall call) {
  return impl_->read(ask_mget(ns, std::move(keys), call), call.timeout);
}
ReadFuture<std::vector<Entry>> Publisher::list(ListCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_list(std::move(call)), timeout);
}
ReadFuture<std::vector<NamespaceRow>> Publisher::namespaces(std::string_view under, ReadCall call) {
  return impl_->read(ask_namespaces(under, call), call.timeout);
}
ReadFuture<ChangesReply> Publisher::changes(ChangesCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_changes(std::move(call)), timeout);
}
ReadFuture<SnapshotReply> Publisher::snapshot(SnapshotCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_snapshot(std::move(call)), timeout);
}
ReadFuture<HistoryReply> Publisher::history(HistoryCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_history(std::move(call)), timeout);
}
ReadFuture<DiffReply> Publisher::diff(DiffCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_diff(std::move(call)), timeout);
}
ReadFuture<SubscribersReply> Publisher::subscribers(SubscribersCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_subscribers(std::move(call)), timeout);
}
ReadFuture<WaitAppliedReply> Publisher::wait_applied(std::string_view ns, Seq seq,
                                                     std::chrono::milliseconds at_most,
                                                     std::optional<std::uint64_t> count, ReadCall call) {
  constexpr std::chrono::milliseconds kOnTheWay{
      2000};  // for the request, and for its answer when the wait is over
  return impl_->read(ask_wait_applied(ns, seq, at_most, count, call),
                     call.timeout.value_or(std::min(at_most, kDurationMax) + kOnTheWay));
}
ReadFuture<BackupReply> Publisher::backup(std::string_view name, ReadCall call) {
  return impl_->read(ask_backup(name, call), call.timeout);
}
ReadFuture<AuditReply> Publisher::audit(AuditCall call) {
  const auto timeout = call.read.timeout;
  return impl_->read(ask_audit(std::move(call)), timeout);
}
ReadFuture<std::string> Publisher::status(ReadCall call) {
  return impl_->read(ask_status(), call.timeout);
}
ReadFuture<HelloReply> Publisher::hello(ReadCall call) {
  return impl_->read(ask_hello(impl_->options().client), call.timeout);
}

}  // namespace prismbus

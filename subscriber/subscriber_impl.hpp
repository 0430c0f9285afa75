// The inside of a Subscriber: the background thread's agent (sockets in, machine, picture and callbacks out),
// and the thread that keeps the disk cache, if there is one. Not for applications. It is put together and
// fed from disk and seed in subscriber_start.cpp, and stepped in subscriber.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/base/bounded_queue.hpp"
#include "proto/base/random.hpp"
#include "proto/base/waker.hpp"
#include "proto/transport/context.hpp"
#include "subscriber/cache/disk_cache.hpp"
#include "subscriber/delivery/bindings.hpp"
#include "subscriber/delivery/delivery_threads.hpp"
#include "subscriber/delivery/subscription_set.hpp"
#include "subscriber/stream/key_ring.hpp"
#include "subscriber/stream/stream_inbox.hpp"
#include "subscriber/subscriber.hpp"
#include "subscriber/sync/sync_state.hpp"
#include "subscriber/view/view_store.hpp"

namespace prismbus {

class Subscriber::Impl final : public SyncActions, public ClientConnection::Owner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Impl>> make(SubscriberOptions options);
  ~Impl() override { stop(); }

  void start() {
    thread_ = std::thread([this] { run(); });
    if (cache_) cache_thread_ = std::thread([this] { keep_cache(); });
  }
  void stop();
  [[nodiscard]] View view() const { return store_.view(); }
  [[nodiscard]] Bindings& bindings() { return bindings_; }
  [[nodiscard]] BrokerReads& reads() { return *reads_; }
  template <class Done>
  [[nodiscard]] bool wait(std::chrono::milliseconds at_most, Done done) const;
  [[nodiscard]] SubscriberStatus status() const;
  [[nodiscard]] SubscriptionSet& subscriptions() { return subscriptions_; }
  [[nodiscard]] const FollowSet& follow() const { return follow_; }
  [[nodiscard]] Result<void> readable(std::string_view ns) const;
  [[nodiscard]] Result<void> all_readable() const;
  [[nodiscard]] SyncFuture sync(SyncKind kind, std::vector<std::string> names,
                                std::chrono::milliseconds at_most);

  // SyncActions
  void open_lane(Lane lane, const std::vector<std::string>& endpoints) override {
    const Greeting& greeting = connection_->greeting();
    inbox_.open(lane, endpoints, greeting.requests,
                greeting.hello.stream_curve ? connection_->curve() : Curve());
  }
  void close_lane(Lane lane) override { inbox_.close(lane); }
  void subscribe(Lane lane, const std::string& topic) override { inbox_.subscribe(lane, topic); }
  void unsubscribe(Lane lane, const std::string& topic) override { inbox_.unsubscribe(lane, topic); }
  void ask(std::uint64_t tag, const RequestBody& body) override;
  void say_hello() override { connection_->say_hello(now_); }
  void move_on(const Error& why) override { connection_->move_on(why, now_); }
  void log(LogLevel level, const LogLine& line) override {
    if (log_) log_(level, line.text());
  }

  // ClientConnection::Owner
  void on_greeting(const Greeting& greeting) override;
  void on_lost(const Error& why) override { sync_.on_lost(why, now_); }
  void on_refused(const Error& why) override { sync_.on_refused(why); }
  void on_reply(std::uint64_t tag, const ReplyHeader& reply) override;
  void on_expired(std::uint64_t tag, const Error& error) override;

 private:
  static constexpr std::uint64_t kKeysTags = std::uint64_t{1} << 62;  // the machine counts its own from 1
  static constexpr std::size_t kSyncCallsMax = 64;  // within one step of the background thread
  enum class Asked : std::uint8_t { snapshot, changes, namespaces, ack, keys };

  Impl(const FollowSet& follow, SubscriberOptions options)
      : log_(options.log),
        follow_(follow),
        inbox_(context_, options.log),
        ring_(random_u64()),
        subscriptions_({[] { return read_clock().steady; }, waker_,
                        [this](std::function<void()> task) { threads_.post(std::move(task)); }},
                       options.log),
        bindings_(follow_, store_, waker_.get(), options.log),
        sync_(follow_,
              {options.buffer_bytes_max, options.check_interval, random_u64(), std::move(options.staleness),
               std::move(options.validators), options.full_sync_interval, options.sync_interval},
              *this) {}
  [[nodiscard]] Result<void> read_disk(const CacheOptions& options, const std::string& seed_file);
  void restore(std::vector<cache::Loaded> loaded, Rung rung);
  void show_unheard(bool to_be_told);
  void tell_unheard();
  void take_sync_calls();
  void answer_sync_calls();
  void refuse_sync_calls();
  void run();
  void keep_cache();
  bool step();
  void ask_keys(const std::optional<std::string>& after);
  void on_keys(const ReplyHeader& reply);
  bool show();
  void sleep();

  LogSink log_;
  const FollowSet follow_;
  std::unique_ptr<DiskCache> cache_;  // null = off
  Context context_;
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  StreamInbox inbox_;
  KeyRing ring_;
  KeysTold told_keys_;  // the pages of an answer so far
  Epoch ring_epoch_;
  DeliveryThreads threads_;
  SubscriptionSet subscriptions_;
  ViewStore store_;
  SyncUpdate unheard_;                  // what open() showed: told when the background thread begins ...
  std::optional<View> before_unheard_;  // ... as what changed since this
  Bindings bindings_;
  std::optional<ClientConnection> connection_;
  SyncState sync_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::uint64_t keys_asked_ = 0;
  std::unique_ptr<BrokerReads> reads_;
  struct SyncCall {
    SyncKind kind = SyncKind::incremental;
    std::vector<std::string> names;
    std::chrono::milliseconds at_most{};
    std::promise<Result<SyncReport>> promise;
  };
  BoundedQueue<SyncCall> sync_calls_{kSyncCallsMax, waker_.get()};
  std::unordered_map<std::uint64_t, std::promise<Result<SyncReport>>> syncs_;  // under way
  Now now_{};

  std::thread thread_, cache_thread_;
  std::atomic<bool> stopping_{false}, stopped_{false}, cache_stopping_{false};
  mutable std::atomic<int> waiters_{0};
  mutable Waker shown_;
  struct {
    std::atomic<std::uint64_t> frames{0}, dropped{0}, joins{0}, resyncs{0}, rejected{0}, untold{0},
        validators_threw{0};
  } counters_;
};

}  // namespace prismbus

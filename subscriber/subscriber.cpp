#include "subscriber/subscriber.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <thread>
#include <unordered_map>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/random.hpp"
#include "proto/base/waker.hpp"
#include "proto/transport/context.hpp"
#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/reply.hpp"
#include "subscriber/bindings.hpp"
#include "subscriber/delivery_threads.hpp"
#include "subscriber/disk_cache.hpp"
#include "subscriber/picture_status.hpp"
#include "subscriber/seed_file.hpp"
#include "subscriber/stream_inbox.hpp"
#include "subscriber/subscriber_callbacks.hpp"
#include "subscriber/subscription_set.hpp"
#include "subscriber/sync_state.hpp"
#include "subscriber/view_store.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 10s;  // of one snapshot chunk or page; then the machine asks anew
constexpr auto kPollMax = 100ms;       // a SUB is touched at least so often (its subscriptions depend on it)
constexpr auto kStall = 1s;            // ten times the longest sleep: the process was stopped, or starved
constexpr auto kWaitSlice = 20ms;      // waiters look again this often even if a wake-up went to another

}  // namespace

// The background thread's agent: sockets in, machine, picture and callbacks out.
class Subscriber::Impl final : public SyncActions, public ClientConnection::Owner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Impl>> make(SubscriberOptions options);
  ~Impl() override { stop(); }

  void start() {
    thread_ = std::thread([this] { run(); });
    if (cache_ && cache_->writer()) cache_thread_ = std::thread([this] { keep_cache(); });
  }
  void stop();
  [[nodiscard]] View view() const { return store_.view(); }
  [[nodiscard]] Bindings& bindings() { return bindings_; }
  template <class Done>
  [[nodiscard]] bool wait(std::chrono::milliseconds at_most, Done done) const;
  [[nodiscard]] SubscriberStatus status() const;
  [[nodiscard]] SubscriptionSet& subscriptions() { return subscriptions_; }
  [[nodiscard]] const FollowSet& follow() const { return follow_; }
  [[nodiscard]] Result<void> readable(std::string_view ns) const;
  [[nodiscard]] Result<void> all_readable() const;

  // SyncActions
  void open_lane(Lane lane, const std::vector<std::string>& endpoints) override {
    inbox_.open(lane, endpoints, connection_->greeting().requests);
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
  void on_greeting(const Greeting& greeting) override { sync_.on_greeting(greeting, now_); }
  void on_lost(const Error& why) override { sync_.on_lost(why, now_); }
  void on_reply(std::uint64_t tag, const ReplyHeader& reply) override;
  void on_expired(std::uint64_t tag, const Error& error) override;

 private:
  enum class Asked : std::uint8_t { snapshot, changes, namespaces, ack };

  Impl(const FollowSet& follow, SubscriberOptions options)
      : log_(options.log),
        follow_(follow),
        inbox_(context_, options.log),
        subscriptions_({[] { return read_clock().steady; }, waker_,
                        [this](std::function<void()> task) { threads_.post(std::move(task)); }},
                       options.log),
        bindings_(follow_, store_, waker_.get(), options.log),
        sync_(follow_,
              {options.buffer_bytes_max, options.check_interval, random_u64(), std::move(options.staleness)},
              *this) {}
  [[nodiscard]] Result<void> read_disk(const CacheOptions& options, const std::string& seed_file);
  void restore(std::vector<cache::Loaded> loaded, Rung rung);
  void show_unheard(bool to_be_told);
  void tell_unheard();
  void run();
  void keep_cache();
  bool step();
  bool show();
  void sleep();

  LogSink log_;
  const FollowSet follow_;
  std::unique_ptr<DiskCache> cache_;  // null = off
  Context context_;
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  StreamInbox inbox_;
  DeliveryThreads threads_;
  SubscriptionSet subscriptions_;
  ViewStore store_;
  SyncUpdate unheard_;                  // what open() showed: told when the background thread begins ...
  std::optional<View> before_unheard_;  // ... as what changed since this
  Bindings bindings_;
  std::optional<ClientConnection> connection_;
  SyncState sync_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  Now now_{};

  std::thread thread_, cache_thread_;
  std::atomic<bool> stopping_{false}, cache_stopping_{false};
  mutable std::atomic<int> waiters_{0};
  mutable Waker shown_;
  struct {
    std::atomic<std::uint64_t> frames{0}, dropped{0}, joins{0}, resyncs{0};
  } counters_;
};

Result<std::unique_ptr<Subscriber::Impl>> Subscriber::Impl::make(SubscriberOptions options) {
  auto follow = FollowSet::make(options.namespaces, options.subtrees);
  if (!follow) return tl::unexpected<Error>(follow.error());
  if (options.check_interval < 10ms) return fail_field("check_interval", "at least 10 ms");
  if (auto valid = validate_staleness(options.staleness); !valid) return tl::unexpected<Error>(valid.error());
  ConnectionOptions connection;
  connection.brokers = options.brokers;
  connection.client = options.client;
  connection.follow_ns = follow->namespaces();
  connection.follow_under = follow->subtrees();
  auto callbacks = subscription_of(std::exchange(options.callbacks, {}));
  const CacheOptions cache = options.cache;
  const std::string seed_file = options.seed_file;
  std::unique_ptr<Impl> impl(new Impl(*follow, std::move(options)));
  if (auto read = impl->read_disk(cache, seed_file); !read) {
    impl->show_unheard(false);
    return tl::unexpected<Error>(read.error());
  }
  auto made = ClientConnection::make(impl->context_, std::move(connection), *impl, impl->log_);
  if (!made) {
    impl->show_unheard(false);
    return tl::unexpected<Error>(made.error());
  }
  impl->connection_.emplace(std::move(*made));
  if (callbacks) {
    const auto id = impl->subscriptions_.subscribe(std::move(*callbacks), impl->follow_);
    PRISMBUS_ASSERT(id.has_value(), "callbacks are a valid subscription");
  }
  impl->now_ = read_clock();
  impl->show_unheard(true);  // exact namespaces are listed from the start, as joining
  return impl;
}

// ---- disk and seed, before any broker answered ----

Result<void> Subscriber::Impl::read_disk(const CacheOptions& options, const std::string& seed_file) {
  now_ = read_clock();
  if (!options.directory.empty()) {
    auto cache = DiskCache::open(options, log_);
    if (!cache) return tl::unexpected<Error>(cache.error());
    cache_ = std::move(*cache);
    restore(cache_->load_first(follow_), Rung::disk);
  }
  if (seed_file.empty()) return {};
  if (cache_) restore(cache_->load_rest(follow_), Rung::disk);  // the cache goes before the seed
  auto seed = load_seed(seed_file, follow_);
  if (!seed) return tl::unexpected<Error>(seed.error());
  restore(std::move(*seed), Rung::seed);
  return {};
}

void Subscriber::Impl::restore(std::vector<cache::Loaded> loaded, Rung rung) {
  for (cache::Loaded& one : loaded) {
    sync_.restore({one.epoch, std::move(one.ns), std::move(one.copy), rung, one.seen}, now_);
  }
}

// Shows what open() found; callbacks hear of it on the background thread, which begins with that.
void Subscriber::Impl::show_unheard(bool to_be_told) {
  unheard_ = sync_.take_update();
  if (to_be_told) before_unheard_.emplace(store_.view());
  if (unheard_.root != nullptr) store_.publish(unheard_.root);
  if (!to_be_told) store_.retire(std::move(unheard_.garbage));
}

void Subscriber::Impl::tell_unheard() {
  {
    const View shown = store_.view();
    const ViewRoot& before = ViewStore::root_of(*before_unheard_);
    subscriptions_.adopt(before);
    (void)subscriptions_.tell(unheard_.events, before, ViewStore::root_of(shown));  // step() goes on with it
  }
  before_unheard_.reset();
  store_.retire(std::move(unheard_.garbage));
}

void Subscriber::Impl::keep_cache() {
  while (!cache_stopping_.load(std::memory_order_acquire)) cache_->step(store_, cache_stopping_);
  cache_->step(store_, cache_stopping_);  // what the background thread told at its end
}

// ---- the background thread ----

void Subscriber::Impl::run() {
  tell_unheard();
  unheard_ = {};
  if (cache_) {
    restore(cache_->load_rest(follow_), Rung::disk);
    show();
  }
  while (!stopping_.load(std::memory_order_acquire)) {
    if (!step()) sleep();
  }
  now_ = read_clock();
  sync_.on_lost(fail(ErrorCode::unavailable, "the subscriber was stopped").value(), now_);
  show();
}

bool Subscriber::Impl::step() {
  const Steady before = std::exchange(now_, read_clock()).steady;
  bool more = connection_->step(now_);
  more = inbox_.step(sync_, now_) || more;
  if (now_.steady - before > kStall) sync_.on_stall(now_);
  sync_.tick(now_);
  return show() || more;
}

// First the picture, then the handles and their hooks, then the callbacks, then what it replaced is let go: a
// callback sees at least what it is told. True: there is more to tell at once.
bool Subscriber::Impl::show() {
  SyncUpdate update = sync_.take_update();
  bool more = false;
  {
    const View before = store_.view();
    subscriptions_.adopt(ViewStore::root_of(before));
    if (update.root != nullptr) store_.publish(update.root);
    bindings_.refresh(update.events);
    if (cache_) cache_->feed(update, now_);
    const View shown = store_.view();
    more = subscriptions_.tell(update.events, ViewStore::root_of(before), ViewStore::root_of(shown));
  }
  store_.retire(std::move(update.garbage));
  counters_.frames.store(inbox_.counters().frames, std::memory_order_relaxed);
  counters_.dropped.store(inbox_.counters().dropped, std::memory_order_relaxed);
  counters_.joins.store(sync_.counters().joins, std::memory_order_relaxed);
  counters_.resyncs.store(sync_.counters().resyncs, std::memory_order_relaxed);
  if (update.root != nullptr && waiters_.load(std::memory_order_seq_cst) > 0) shown_.wake();
  return more;
}

void Subscriber::Impl::sleep() {
  std::array<zmq_pollitem_t, 4> items{};
  std::size_t n = 0;
  items[n++] = {nullptr, waker_->fd(), ZMQ_POLLIN, 0};
  const std::array<void*, 3> sockets{connection_->pollable(), inbox_.pollable(Lane::changes),
                                     inbox_.pollable(Lane::express)};
  for (void* socket : sockets) {
    if (socket != nullptr) items[n++] = {socket, 0, ZMQ_POLLIN, 0};
  }
  const Steady next = std::min(connection_->next_deadline(), sync_.next_deadline());
  auto wait = std::chrono::milliseconds(kPollMax);
  if (next < now_.steady + kPollMax) {
    wait = std::max<std::chrono::milliseconds>(
        std::chrono::ceil<std::chrono::milliseconds>(next - now_.steady), 0ms);
  }
  poll_sockets(std::span(items).first(n), wait);
  if (items[0].revents != 0) waker_->clear();
}

void Subscriber::Impl::ask(std::uint64_t tag, const RequestBody& body) {
  const Asked asked = std::holds_alternative<SnapshotRequest>(body)  ? Asked::snapshot
                      : std::holds_alternative<ChangesRequest>(body) ? Asked::changes
                      : std::holds_alternative<AckRequest>(body)     ? Asked::ack
                                                                     : Asked::namespaces;
  asked_[tag] = asked;
  connection_->submit(tag, body, {now_.steady + kRequestTimeout, true, asked != Asked::ack}, now_);
}

void Subscriber::Impl::on_reply(std::uint64_t tag, const ReplyHeader& reply) {
  const auto found = asked_.find(tag);
  if (found == asked_.end()) return;
  const Asked asked = found->second;
  asked_.erase(found);
  SyncAnswer answer{reply.epoch, reply.rev, SyncReply()};
  const auto take = [&](auto decoded) {
    if (decoded) {
      answer.reply = SyncReply(std::move(*decoded));
    } else {
      answer.reply = tl::unexpected<Error>(in_context("reply not understood", decoded.error()));
    }
  };
  if (reply.error) {
    answer.reply = tl::unexpected<Error>(*reply.error);
  } else if (asked == Asked::snapshot) {
    take(codec::decode_snapshot_reply(reply));
  } else if (asked == Asked::changes) {
    take(codec::decode_changes_reply(reply));
  } else if (asked == Asked::ack) {
    take(codec::decode_ack_reply(reply));
  } else {
    take(codec::decode_namespaces_reply(reply));
  }
  sync_.on_answer(tag, std::move(answer), now_);
}

void Subscriber::Impl::on_expired(std::uint64_t tag, const Error& error) {
  if (asked_.erase(tag) == 0) return;
  sync_.on_answer(tag, {connection_->greeting().epoch, Revision(), tl::unexpected<Error>(error)}, now_);
}

// ---- any thread ----

void Subscriber::Impl::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  waker_->wake();
  thread_.join();
  subscriptions_.stop();
  threads_.stop();
  if (!cache_thread_.joinable()) return;
  cache_stopping_.store(true, std::memory_order_release);
  cache_->wake();
  cache_thread_.join();
}

template <class Done>
bool Subscriber::Impl::wait(std::chrono::milliseconds at_most, Done done) const {
  const auto until = std::chrono::steady_clock::now() + at_most;
  waiters_.fetch_add(1, std::memory_order_seq_cst);
  bool reached = done();
  while (!reached && std::chrono::steady_clock::now() < until) {
    shown_.sleep_for(kWaitSlice);
    reached = done();
  }
  waiters_.fetch_sub(1, std::memory_order_seq_cst);
  return reached;
}

SubscriberStatus Subscriber::Impl::status() const {
  const View held = view();
  SubscriberStatus out = status_of(ViewStore::root_of(held), read_clock().steady);
  out.frames = counters_.frames.load(std::memory_order_relaxed);
  out.dropped_frames = counters_.dropped.load(std::memory_order_relaxed);
  out.joins = counters_.joins.load(std::memory_order_relaxed);
  out.resyncs = counters_.resyncs.load(std::memory_order_relaxed);
  out.callback_exceptions = subscriptions_.exceptions() + bindings_.exceptions();
  out.handle_mismatches = bindings_.mismatches();
  if (cache_) out.cache = cache_->status();
  return out;
}

Result<void> Subscriber::Impl::readable(std::string_view ns) const {
  const View held = view();
  return readable_in(ViewStore::root_of(held), follow_, ns);
}

Result<void> Subscriber::Impl::all_readable() const {
  for (const std::string& ns : follow_.namespaces()) {
    if (auto one = readable(ns); !one) return one;
  }
  return {};
}

// ---- Subscriber ----

Result<std::unique_ptr<Subscriber>> Subscriber::open(SubscriberOptions options) {
  auto impl = Impl::make(std::move(options));
  if (!impl) return tl::unexpected<Error>(impl.error());
  (*impl)->start();
  return std::unique_ptr<Subscriber>(new Subscriber(std::move(*impl)));
}

Subscriber::Subscriber(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subscriber::~Subscriber() = default;

View Subscriber::view() const {
  return impl_->view();
}

Result<void> Subscriber::attach(const std::shared_ptr<BoundCell>& cell) {
  return impl_->bindings().attach(cell);
}
const std::shared_ptr<Reclaimer>& Subscriber::memory_of_handles() const {
  return impl_->bindings().memory();
}

bool Subscriber::wait_live(std::chrono::milliseconds at_most) const {
  return impl_->wait(at_most, [&] { return ViewStore::root_of(impl_->view()).all_live; });
}

bool Subscriber::wait_seq(std::string_view ns, Seq seq, std::chrono::milliseconds at_most) const {
  return impl_->wait(at_most, [&] { return impl_->view().seq(ns) >= seq; });
}

Result<void> Subscriber::readable(std::string_view ns) const {
  return impl_->readable(ns);
}

Result<void> Subscriber::wait_readable(std::chrono::milliseconds at_most) const {
  (void)impl_->wait(at_most, [&] { return impl_->all_readable().has_value(); });
  return impl_->all_readable();
}

std::optional<std::chrono::milliseconds> Subscriber::age(std::string_view ns) const {
  const View held = impl_->view();
  return age_in(ViewStore::root_of(held), ns, read_clock().steady);
}

SubscriberStatus Subscriber::status() const {
  return impl_->status();
}
Result<SubscriptionId> Subscriber::subscribe(Subscription subscription) {
  return impl_->subscriptions().subscribe(std::move(subscription), impl_->follow());
}
Result<void> Subscriber::unsubscribe(SubscriptionId id) {
  return impl_->subscriptions().unsubscribe(id);
}
Result<void> Subscriber::pause(SubscriptionId id) {
  return impl_->subscriptions().pause(id);
}
Result<void> Subscriber::resume(SubscriptionId id, Resume how) {
  return impl_->subscriptions().resume(id, how);
}
std::vector<SubscriptionStatus> Subscriber::subscriptions() const {
  return impl_->subscriptions().list();
}
void Subscriber::stop() {
  impl_->stop();
}

}  // namespace prismbus

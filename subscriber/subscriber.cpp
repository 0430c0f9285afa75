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
#include "proto/wire/codec/reply.hpp"
#include "subscriber/bindings.hpp"
#include "subscriber/delivery_threads.hpp"
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
  }
  void stop();
  [[nodiscard]] View view() const { return store_.view(); }
  [[nodiscard]] Bindings& bindings() { return bindings_; }
  template <class Done>
  [[nodiscard]] bool wait(std::chrono::milliseconds at_most, Done done) const;
  [[nodiscard]] SubscriberStatus status() const;
  [[nodiscard]] SubscriptionSet& subscriptions() { return subscriptions_; }
  [[nodiscard]] const FollowSet& follow() const { return follow_; }

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
  enum class Asked : std::uint8_t { snapshot, changes, namespaces };

  Impl(FollowSet follow, SubscriberOptions options)
      : log_(options.log),
        follow_(std::move(follow)),
        inbox_(context_, options.log),
        subscriptions_({[] { return read_clock().steady; }, waker_,
                        [this](std::function<void()> task) { threads_.post(std::move(task)); }},
                       options.log),
        bindings_(follow_, store_, waker_.get(), options.log),
        sync_(follow_, {options.buffer_bytes_max, options.check_interval, random_u64()}, *this) {}
  void run();
  bool step();
  bool show();
  void sleep();

  LogSink log_;
  const FollowSet follow_;
  Context context_;
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  StreamInbox inbox_;
  DeliveryThreads threads_;
  SubscriptionSet subscriptions_;
  ViewStore store_;
  Bindings bindings_;
  std::optional<ClientConnection> connection_;
  SyncState sync_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  Now now_{};

  std::thread thread_;
  std::atomic<bool> stopping_{false};
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
  ConnectionOptions connection;
  connection.brokers = options.brokers;
  connection.client = options.client;
  connection.follow_ns = follow->namespaces();
  connection.follow_under = follow->subtrees();
  auto callbacks = subscription_of(std::exchange(options.callbacks, {}));
  std::unique_ptr<Impl> impl(new Impl(std::move(*follow), std::move(options)));
  auto made = ClientConnection::make(impl->context_, std::move(connection), *impl, impl->log_);
  if (!made) {
    impl->show();
    return tl::unexpected<Error>(made.error());
  }
  impl->connection_.emplace(std::move(*made));
  if (callbacks) {
    const auto id = impl->subscriptions_.subscribe(std::move(*callbacks), impl->follow_);
    PRISMBUS_ASSERT(id.has_value(), "callbacks are a valid subscription");
  }
  impl->now_ = read_clock();
  impl->show();  // exact namespaces are listed from the start, as joining
  return impl;
}

// ---- the background thread ----

void Subscriber::Impl::run() {
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
                                                                     : Asked::namespaces;
  asked_[tag] = asked;
  connection_->submit(tag, body, {now_.steady + kRequestTimeout, true}, now_);
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
  SubscriberStatus out;
  const Steady now = read_clock().steady;
  const View held = view();
  const ViewRoot& root = ViewStore::root_of(held);
  out.connected = root.connected;
  if (root.broker) out.broker = *root.broker;
  out.epoch = root.epoch;
  root.namespaces.for_each([&](const NamespaceLeaf& leaf) {
    NamespaceStatus ns;
    ns.ns = *leaf.name;
    ns.state = leaf.state;
    ns.seq = leaf.seq;
    ns.rev = leaf.rev;
    ns.hash = leaf.content_hash;
    ns.keys = leaf.entries.size();
    if (leaf.state != NamespaceState::live && leaf.current_at != Steady{}) {
      ns.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - leaf.current_at);
    }
    ns.resyncs = leaf.resyncs;
    if (leaf.why) ns.why = *leaf.why;
    out.namespaces.push_back(std::move(ns));
  });
  std::sort(out.namespaces.begin(), out.namespaces.end(),
            [](const NamespaceStatus& a, const NamespaceStatus& b) { return a.ns < b.ns; });
  out.frames = counters_.frames.load(std::memory_order_relaxed);
  out.dropped_frames = counters_.dropped.load(std::memory_order_relaxed);
  out.joins = counters_.joins.load(std::memory_order_relaxed);
  out.resyncs = counters_.resyncs.load(std::memory_order_relaxed);
  out.callback_exceptions = subscriptions_.exceptions() + bindings_.exceptions();
  out.handle_mismatches = bindings_.mismatches();
  return out;
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

#include "subscriber/subscriber.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "proto/base/secret_bytes.hpp"
#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/stream_keys.hpp"
#include "subscriber/picture_status.hpp"
#include "subscriber/subscriber_impl.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 10s;  // of one snapshot chunk or page; then the machine asks anew
constexpr auto kPollMax = 100ms;       // a SUB is touched at least so often (its subscriptions depend on it)
constexpr auto kStall = 1s;            // ten times the longest sleep: the process was stopped, or starved
constexpr auto kWaitSlice = 20ms;      // waiters look again this often even if a wake-up went to another

}  // namespace

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
  answer_sync_calls();
}

bool Subscriber::Impl::step() {
  const Steady before = std::exchange(now_, read_clock()).steady;
  bool more = connection_->step(now_);
  more = inbox_.step(sync_, ring_, now_) || more;
  if (connection_->ready() && connection_->has_room() && ring_.due(now_)) {
    ring_.asked(now_);
    told_keys_ = {};
    ask_keys({});
  }
  if (now_.steady - before > kStall) sync_.on_stall(now_);
  take_sync_calls();
  sync_.tick(now_);
  more = show() || more;
  answer_sync_calls();
  return more;
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
    if (cache_) cache_->feed(update, ViewStore::root_of(shown), now_);
    more = subscriptions_.tell(update.events, ViewStore::root_of(before), ViewStore::root_of(shown));
  }
  store_.retire(std::move(update.garbage));
  counters_.frames.store(inbox_.counters().frames, std::memory_order_relaxed);
  counters_.dropped.store(inbox_.counters().dropped, std::memory_order_relaxed);
  counters_.joins.store(sync_.counters().joins, std::memory_order_relaxed);
  counters_.resyncs.store(sync_.counters().resyncs, std::memory_order_relaxed);
  counters_.rejected.store(sync_.counters().rejected, std::memory_order_relaxed);
  counters_.untold.store(sync_.counters().rejections_untold, std::memory_order_relaxed);
  counters_.validators_threw.store(sync_.counters().validator_exceptions, std::memory_order_relaxed);
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
  const Steady asks_keys = connection_->ready() ? ring_.next_deadline() : Steady::max();
  const Steady next = std::min({connection_->next_deadline(), sync_.next_deadline(), asks_keys});
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

void Subscriber::Impl::on_greeting(const Greeting& greeting) {
  if (std::exchange(ring_epoch_, greeting.epoch) != greeting.epoch) ring_.forget();
  std::erase_if(asked_, [](const auto& asked) { return asked.second == Asked::keys; });  // given up
  ring_.on_joined(greeting.hello.sealed, now_);
  sync_.on_greeting(greeting, now_);
}

// Of all that is followed.
void Subscriber::Impl::ask_keys(const std::optional<std::string>& after) {
  KeysRequest request;
  request.ns.assign(follow_.namespaces().begin(), follow_.namespaces().end());
  request.under.assign(follow_.subtrees().begin(), follow_.subtrees().end());
  if (after) request.page.after = *after;
  const std::uint64_t tag = kKeysTags | ++keys_asked_;
  asked_[tag] = Asked::keys;
  connection_->submit(tag, request, {now_.steady + kRequestTimeout, true, false}, now_);
}

void Subscriber::Impl::on_keys(const ReplyHeader& reply) {
  auto page = codec::decode_keys_reply(reply);
  const bool of_one_period = page && (told_keys_.keys.empty() || told_keys_.period == Period(page->period));
  if (!of_one_period) return ring_.on_failed(now_);
  told_keys_.period = Period(page->period);
  told_keys_.ends_in = std::chrono::milliseconds(page->ends_in_ms);
  for (StreamKeyRow& row : page->keys) {
    if (const auto key = StreamKey::from(row.key)) {
      told_keys_.keys.push_back({std::move(row.ns), row.node, Period(row.period), *key});
    }
    wipe(row.key);
  }
  if (page->more && connection_->ready() && connection_->has_room()) return ask_keys(page->after);
  if (page->more) return ring_.on_failed(now_);
  ring_.on_reply(std::exchange(told_keys_, {}), now_);
  inbox_.take_opened(sync_, ring_, now_);
}

void Subscriber::Impl::on_reply(std::uint64_t tag, const ReplyHeader& reply) {
  const auto found = asked_.find(tag);
  if (found == asked_.end()) return;
  const Asked asked = found->second;
  asked_.erase(found);
  if (asked == Asked::keys) return on_keys(reply);
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
  const auto found = asked_.find(tag);
  if (found == asked_.end()) return;
  const Asked asked = found->second;
  asked_.erase(found);
  if (asked == Asked::keys) return ring_.on_failed(now_);
  sync_.on_answer(tag, {connection_->greeting().epoch, Revision(), tl::unexpected<Error>(error)}, now_);
}

// ---- any thread ----

void Subscriber::Impl::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  waker_->wake();
  reads_->stop();  // a callback that waits for an answer gets one
  thread_.join();
  stopped_.store(true, std::memory_order_seq_cst);
  refuse_sync_calls();
  subscriptions_.stop();
  threads_.stop();
  if (!cache_thread_.joinable()) return;
  cache_stopping_.store(true, std::memory_order_release);
  cache_->wake();
  cache_thread_.join();
}

template <class Done>
bool Subscriber::Impl::wait(std::chrono::milliseconds at_most, Done done) const {
  const auto until = std::chrono::steady_clock::now() + std::clamp(at_most, 0ms, kDurationMax);
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
  out.rejected = counters_.rejected.load(std::memory_order_relaxed);
  out.rejections_untold = counters_.untold.load(std::memory_order_relaxed);
  out.callback_exceptions = subscriptions_.exceptions() + bindings_.exceptions() +
                            counters_.validators_threw.load(std::memory_order_relaxed);
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

BrokerReads& Subscriber::broker() {
  return impl_->reads();
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
Subscriber::SyncFuture Subscriber::full_sync(std::chrono::milliseconds at_most) {
  return impl_->sync(SyncKind::full, {}, at_most);
}
Subscriber::SyncFuture Subscriber::incremental_sync(std::chrono::milliseconds at_most) {
  return impl_->sync(SyncKind::incremental, {}, at_most);
}
Subscriber::SyncFuture Subscriber::selective_sync(std::vector<std::string> namespaces,
                                                  std::chrono::milliseconds at_most) {
  return impl_->sync(SyncKind::selective, std::move(namespaces), at_most);
}
void Subscriber::stop() {
  impl_->stop();
}

}  // namespace prismbus

#include "perf/fed_view.hpp"

#include <utility>

#include "perf/request_stream.hpp"
#include "proto/wire/names.hpp"
#include "proto/wire/value.hpp"

namespace prismbus::perf {
namespace {

FollowSet follow() {
  return *FollowSet::make({std::string(FedView::kNs)}, {});
}

}  // namespace

FedView::FedView(std::uint64_t keys, std::uint64_t numbers, std::size_t bytes, std::uint64_t seed)
    : keys_(keys),
      numbers_(numbers),
      text_(encoded_value(bytes)),
      random_(seed),
      bindings_(follow(), store_, nullptr, {}),
      sync_(follow(), {64u << 20, std::chrono::hours(24), seed}, *this) {
  now_ = read_clock();
  for (std::uint64_t i = 0; i < keys; ++i) names_.push_back(key_name(i));
  join();
}

FedView::~FedView() {
  show();
}

void FedView::join() {
  Greeting greeting{*Endpoint::parse("tcp://127.0.0.1:7000", Endpoint::Use::connect), Epoch(7), {}, {}};
  greeting.hello.run = Run(1);
  greeting.hello.changes = {"tcp://127.0.0.1:7001"};
  greeting.hello.heartbeat_ms = 1000;
  sync_.on_greeting(greeting, now_);
  SnapshotReply chunk;
  for (std::uint64_t i = 0; i < keys_; ++i) {
    Entry entry;
    entry.ns = kNs;
    entry.key = names_[i];
    entry.value = i < numbers_ ? encode_value(0.5) : text_;
    entry.rev = Revision(i + 1);
    entry.version = 1;
    chunk.entries.push_back(std::move(entry));
  }
  seq_ = Seq(keys_);
  Head head;
  head.seq = seq_;
  head.rev = Revision(keys_);
  chunk.heads.emplace_back(std::string(kNs), head);
  answer(std::move(chunk));
  sync_.on_barrier(Lane::changes, barrier_, {Epoch(7), Run(1), Revision()}, now_);
  answer(ChangesReply{});
  show();
}

void FedView::answer(SyncReply reply) {
  const std::uint64_t tag = asked_.front();
  asked_.erase(asked_.begin());
  sync_.on_answer(tag, {Epoch(7), Revision(keys_), std::move(reply)}, now_);
}

void FedView::subscribe(Lane, const std::string& topic) {
  if (topic.starts_with(kBarrierPrefix)) barrier_ = topic;
}

std::vector<ChangeSet> FedView::next_set() {
  seq_ = seq_.next();
  ChangeSet set;
  set.epoch = Epoch(7);
  set.seq = seq_;
  set.rev = Revision(seq_.value());
  set.time = now_.wall;
  set.by = "perf";
  const std::uint64_t i = random_() % keys_;
  const double number = static_cast<double>(seq_.value()) / 1e6;
  set.changes.push_back({ChangeOp::put, names_[i], i < numbers_ ? encode_value(number) : text_, 2});
  std::vector<ChangeSet> sets;
  sets.push_back(std::move(set));
  return sets;
}

void FedView::feed(std::vector<ChangeSet> sets) {
  sync_.on_sets(Lane::changes, kNs, std::move(sets), now_);
  show();
}

void FedView::show() {
  SyncUpdate update = sync_.take_update();
  if (update.root != nullptr) store_.publish(update.root);
  bindings_.refresh(update.events);
  store_.retire(std::move(update.garbage));
}

template <class T>
Handle<T> FedView::attach(Field<T> field, T otherwise) {
  auto cell = std::make_shared<ValueCell<T>>(kNs, std::vector<Field<T>>{std::move(field)},
                                             std::move(otherwise), OnChange<T>(), bindings_.memory());
  const auto attached = bindings_.attach(cell);
  PRISMBUS_ASSERT(attached.has_value(), "the namespace is followed");
  bindings_.refresh({});
  return Handle<T>(std::move(cell));
}

Handle<double> FedView::bind(std::uint64_t index) {
  return attach(whole<double>(names_[index]), 0.0);
}
Handle<std::string> FedView::bind_text(std::uint64_t index) {
  return attach(whole<std::string>(names_[index]), std::string());
}

bool FedView::live() const {
  return ViewStore::root_of(store_.view()).all_live;
}

}  // namespace prismbus::perf

#include "tests/unit/subscriber/sync_recorder.hpp"

#include "proto/wire/names.hpp"

namespace prismbus {

using namespace std::chrono_literals;

SyncRecorder::SyncRecorder(std::vector<std::string> namespaces, std::vector<std::string> subtrees,
                           std::vector<StalenessRule> staleness, std::vector<Validator> validators)
    : sync(*FollowSet::make(std::move(namespaces), std::move(subtrees)),
           {1 << 20, 30'000ms, 1, std::move(staleness), std::move(validators)}, *this) {
  now.steady = Steady(1000s);
  take();
}

SyncRecorder::~SyncRecorder() {
  take();
}

void SyncRecorder::subscribe(Lane lane, const std::string& topic) {
  if (topic.starts_with(kBarrierPrefix)) {
    barrier_topic[static_cast<std::size_t>(lane)] = topic;
    said.push_back("subscribe barrier");
  } else {
    said.push_back("subscribe " + (topic == kHeartbeatTopic ? "heartbeat" : topic));
  }
}

void SyncRecorder::ask(std::uint64_t tag, const RequestBody& body) {
  if (const auto* a = std::get_if<AckRequest>(&body)) {
    std::string text;
    for (const auto& [ns, seq] : a->applied)
      text += std::string(ns) + "@" + std::to_string(seq.value()) + " ";
    for (const auto& r : a->rejected) {
      text += "!" + std::string(r.ns) + "/" + std::string(r.key) + "@" + std::to_string(r.seq.value()) + ":" +
              std::string(r.reason) + " ";
    }
    acks.push_back(text + std::string(a->state.value_or("")));
    ack_tag = tag;
    return;
  }
  questions.push_back(tag);
  if (const auto* s = std::get_if<SnapshotRequest>(&body)) {
    said.push_back(s->ns ? "snapshot " + std::string(*s->ns) : "snapshot under " + std::string(*s->under));
  } else if (const auto* c = std::get_if<ChangesRequest>(&body)) {
    if (c->under) {
      said.push_back("changes under " + std::string(*c->under) + " since rev " +
                     std::to_string(c->since_rev.value()));
      return;
    }
    std::string text = "changes";
    for (const auto& [ns, seq] : c->since) text += " " + std::string(ns) + "@" + std::to_string(seq.value());
    said.push_back(text);
  } else {
    said.push_back("namespaces");
  }
}

void SyncRecorder::greet(std::uint64_t run, std::uint64_t epoch) {
  Greeting greeting{*Endpoint::parse("tcp://127.0.0.1:7000", Endpoint::Use::connect), Epoch(epoch), {}, {}};
  greeting.hello.run = Run(run);
  greeting.hello.changes = {"tcp://127.0.0.1:7001"};
  greeting.hello.express = {"tcp://127.0.0.1:7002"};
  greeting.hello.heartbeat_ms = 1000;
  greeting.hello.ack_ms = 1000;
  sync.on_greeting(greeting, now);
  take();
}

void SyncRecorder::barrier(Lane lane) {
  sync.on_barrier(lane, barrier_topic[static_cast<std::size_t>(lane)], {Epoch(7), Run(1), Revision()}, now);
  take();
}

void SyncRecorder::answer(SyncReply reply, std::uint64_t rev) {
  const std::uint64_t tag = questions.front();
  questions.erase(questions.begin());
  sync.on_answer(tag, {Epoch(7), Revision(rev), std::move(reply)}, now);
  take();
}

void SyncRecorder::refuse(ErrorCode code) {
  const std::uint64_t tag = questions.front();
  questions.erase(questions.begin());
  sync.on_answer(tag, {Epoch(7), Revision(), fail(code, "refused")}, now);
  take();
}

void SyncRecorder::answer_ack(std::vector<std::pair<std::string, Head>> behind) {
  sync.on_answer(ack_tag, {Epoch(7), Revision(), SyncReply(AckReply{std::move(behind), 1000})}, now);
  take();
}

void SyncRecorder::refuse_ack(ErrorCode code) {
  sync.on_answer(ack_tag, {Epoch(7), Revision(), fail(code, "refused")}, now);
  take();
}

void SyncRecorder::set(std::uint64_t seq, std::uint64_t rev, std::vector<std::string> must) {
  ChangeSet set;
  set.epoch = Epoch(7);
  set.seq = Seq(seq);
  set.rev = Revision(rev);
  set.must = std::move(must);
  set.changes.push_back({ChangeOp::put, "k", std::to_string(seq), seq});
  std::vector<ChangeSet> sets;
  sets.push_back(std::move(set));
  sync.on_sets(Lane::changes, "a", std::move(sets), now);
  take();
}

void SyncRecorder::marker(std::uint64_t seq, std::uint64_t hash) {
  ChangeSet set;
  set.epoch = Epoch(7);
  set.seq = Seq(seq);
  set.hash = hash;
  std::vector<ChangeSet> sets;
  sets.push_back(std::move(set));
  sync.on_sets(Lane::changes, "a", std::move(sets), now);
  take();
}

void SyncRecorder::pass(std::chrono::milliseconds time) {
  const Steady until = now.steady + time;
  while (now.steady < until) {
    now.steady = std::min(until, std::max(now.steady + 1ms, std::min(sync.next_deadline(), until)));
    sync.tick(now);
    take();
  }
}

void SyncRecorder::pass_with_beats(std::chrono::milliseconds time) {
  const Steady until = now.steady + time;
  while (now.steady < until) {
    sync.on_heartbeat(Lane::changes, {Epoch(7), Run(1), Revision(), 1000, {}}, now);
    pass(std::chrono::ceil<std::chrono::milliseconds>(std::min<Steady::duration>(until - now.steady, 500ms)));
  }
}

void SyncRecorder::join_live(std::uint64_t seq, std::uint64_t rev) {
  greet();
  SnapshotReply chunk;
  Entry entry;
  entry.ns = "a";
  entry.key = "k";
  entry.value = std::to_string(seq);
  entry.rev = Revision(rev);
  entry.version = seq;
  chunk.entries.push_back(entry);
  Head head;
  head.seq = Seq(seq);
  head.rev = Revision(rev);
  chunk.heads.emplace_back("a", head);
  answer(std::move(chunk), rev);
  barrier();
  answer(ChangesReply{}, rev);
  said.clear();
  events.clear();
}

NamespaceLeaf SyncRecorder::status(const std::string& ns) {
  const View view = store.view();
  NamespaceLeaf out;
  ViewStore::root_of(view).namespaces.for_each([&](const NamespaceLeaf& leaf) {
    if (*leaf.name == ns) out = leaf;
  });
  return out;
}

void SyncRecorder::take() {
  SyncUpdate update = sync.take_update();
  if (update.root != nullptr) store.publish(update.root);
  if (shown) shown(update);
  for (SyncEvent& event : update.events) {
    event.change = {};  // its leaves go with the garbage
    events.push_back(std::move(event));
  }
  store.retire(std::move(update.garbage));
}

}  // namespace prismbus

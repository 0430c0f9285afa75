// Random steps, slow and failing executors, pauses and jumps against a plain map for every subscription: what
// its callbacks told is, key by key, what the view holds (I5, I6), and no callback is out of seq order.
//   PRISMBUS_RUNS=50000  as many runs (default 2,000)      PRISMBUS_SEED=17  that run only
#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>
#include <stdexcept>

#include "proto/wire/names.hpp"
#include "tests/unit/subscriber/shown_steps.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Kind = SubscriptionEvent::Kind;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

struct Follower {
  SubscriptionId id;
  Subscription said;
  std::map<std::string, std::string> told;  // "ns/key" -> value
  std::map<std::string, Seq> seqs;
  bool paused = false;
};

class Trial {
 public:
  explicit Trial(std::uint64_t seed) : random_(seed) {}

  void run() {
    for (std::size_t i = 0; i < 4; ++i) subscribe(false);
    const std::size_t steps = 20 + below(60);
    for (std::size_t i = 0; i < steps; ++i) {
      if (below(12) == 0) subscribe(true);
      for (std::size_t n = below(4); n > 0; --n) change();
      steps_.step(set_);
      run_tasks(below(6));
      if (below(4) == 0) disturb();
      if (below(8) == 0) now_ += std::chrono::milliseconds(below(3000));
    }
    settle();
    compare();
  }
  std::uint64_t resyncs = 0, conflated = 0, delivered = 0, dropped = 0;

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  void subscribe(bool initial) {
    auto follower = std::make_unique<Follower>();
    Follower* f = follower.get();
    Subscription s;
    s.initial = initial;
    s.policy = static_cast<QueuePolicy>(below(3));
    s.queue_length_max = 1 + below(12);
    s.queue_bytes_max = below(4) == 0 ? 2000 : 1u << 20;
    s.block_at_most = std::chrono::milliseconds(below(2000));
    s.on_background_thread = below(4) == 0;
    if (below(3) == 0) s.keys = "k[1]?" + std::string(1, '\\') + "*";  // matches nothing: harmless
    if (below(2) == 0) s.keys = "k?";
    if (below(3) == 0) s.where = [](const ValueView& v) { return v.as<int>().value_or(0) % 2 == 0; };
    if (below(3) == 0) s.ns = "a";
    s.operations.namespace_changed = below(2) == 0;
    s.callback = [this, f](const SubscriptionEvent& e) { hear(*f, e); };
    f->said = s;
    const auto id = set_.subscribe(std::move(s), follow_);
    REQUIRE(id);
    f->id = *id;
    followers_.push_back(std::move(follower));
  }

  void hear(Follower& f, const SubscriptionEvent& e) {
    if (e.kind == Kind::resync) return f.told.clear();
    INFO(f.id.value() << " " << name_of(f.said.policy) << " " << name_of(e.kind) << " " << e.ns << " "
                      << e.key << " seq " << e.seq.value());
    Seq& last = f.seqs[std::string(e.ns)];
    if (e.seq < last) FAIL("out of seq order");
    last = e.seq;
    if (e.kind == Kind::namespace_changed) return;
    const std::string key = std::string(e.ns) + "/" + std::string(e.key);
    const auto there = f.told.find(key);
    if ((there != f.told.end()) != (e.kind != Kind::added)) FAIL("a hole or a double");
    if (there != f.told.end() && there->second != e.before->bytes) FAIL("a step was left out");
    if (e.kind == Kind::deleted) {
      f.told.erase(there);
    } else {
      f.told[key] = std::string(e.after->bytes);
    }
    if (below(20) == 0) now_ += 7ms;
    if (below(30) == 0) throw std::runtime_error("of the application");
  }

  void change() {
    const std::string ns(1, static_cast<char>('a' + below(3)));
    if (below(10) == 0) steps_.refuse(ns, below(2) == 0);
    ShownSteps::Changes changes;
    const bool snapshot = below(8) == 0;
    for (std::size_t n = below(snapshot ? 25 : 6) + 1; n > 0; --n) {
      const char value = static_cast<char>(below(100));
      changes["k" + std::to_string(below(20))] =
          !snapshot && below(3) == 0 ? std::string() : std::string(1, value);
    }
    if (!snapshot) return steps_.set(ns, changes);
    const bool gone = below(4) == 0;
    steps_.snapshot(ns, gone ? ShownSteps::Changes() : changes, gone);
  }

  void disturb() {
    Follower& f = *followers_[below(followers_.size())];
    if (!f.paused && below(2) == 0) {
      f.paused = true;
      REQUIRE(set_.pause(f.id));
    } else {
      f.paused = false;
      REQUIRE(set_.resume(f.id, below(2) == 0 ? Resume::catch_up : Resume::jump_to_latest));
    }
  }

  void execute(std::function<void()> task) {
    if (settling_) return tasks_.push_back(std::move(task));
    const std::size_t how = below(20);
    if (how == 0) throw std::runtime_error("no room");
    if (how == 1) return;  // dropped
    if (how == 2) return task();
    tasks_.push_back(std::move(task));
  }
  void run_tasks(std::size_t n) {
    while (n-- > 0 && !tasks_.empty()) {
      const std::size_t i = below(tasks_.size());
      auto task = std::move(tasks_[i]);
      tasks_.erase(tasks_.begin() + static_cast<std::ptrdiff_t>(i));
      task();
    }
  }

  void settle() {
    settling_ = true;
    for (const char* ns : {"a", "b", "c"}) steps_.refuse(ns, false);
    for (auto& f : followers_) {
      if (f->paused) REQUIRE(set_.resume(f->id, Resume::catch_up));
    }
    std::size_t quiet = 0;
    for (std::size_t i = 0; quiet < 3; ++i) {
      REQUIRE(i < 10'000);
      const bool more = steps_.step(set_);
      quiet = more || !tasks_.empty() ? 0 : quiet + 1;
      run_tasks(1000);
    }
  }

  void compare() {
    const View view = steps_.store.view();
    const auto counts = set_.list();
    for (std::size_t i = 0; i < followers_.size(); ++i) {
      const Follower& f = *followers_[i];
      INFO("subscription " << f.id.value() << " " << name_of(f.said.policy) << " " << f.said.keys);
      std::map<std::string, std::string> expected;
      for (const std::string& ns : view.namespaces()) {
        if (f.said.ns && *f.said.ns != ns) continue;
        view.for_each(ns, [&](std::string_view key, const ValueView& value) {
          if (!glob_matches(f.said.keys, key) || (f.said.where && !f.said.where(value))) return;
          expected[ns + "/" + std::string(key)] = std::string(value.bytes);
        });
      }
      CHECK(f.told == expected);
      CHECK(counts[i].queue_length == 0);
      CHECK(counts[i].queue_bytes == 0);
      resyncs += counts[i].resyncs;
      conflated += counts[i].conflated;
      dropped += counts[i].dropped;
      delivered += counts[i].delivered;
    }
  }

  std::mt19937_64 random_;
  Steady now_{};
  bool settling_ = false;
  const FollowSet follow_ = FollowSet::make({}, {""}).value();
  std::vector<std::unique_ptr<Follower>> followers_;
  std::vector<std::function<void()>> tasks_;
  SubscriptionSet set_{
      {[this] { return now_; }, nullptr, [this](std::function<void()> task) { execute(std::move(task)); }},
      {}};
  ShownSteps steps_;
};

}  // namespace

TEST_CASE("under slow executors, drops and pauses what is told adds up to the view, in seq order (I5 I6)") {
  const std::uint64_t one = number_from("PRISMBUS_SEED", 0);
  const std::uint64_t runs = one != 0 ? 1 : number_from("PRISMBUS_RUNS", 2000);
  std::uint64_t resyncs = 0, conflated = 0, delivered = 0, dropped = 0;
  for (std::uint64_t i = 1; i <= runs; ++i) {
    const std::uint64_t seed = one != 0 ? one : i;
    INFO("PRISMBUS_SEED=" << seed);
    Trial trial(seed);
    trial.run();
    resyncs += trial.resyncs;
    conflated += trial.conflated;
    delivered += trial.delivered;
    dropped += trial.dropped;
  }
  if (one != 0) return;
  CHECK(resyncs > runs);
  CHECK(conflated > runs);
  CHECK(dropped > runs);
  WARN(runs << " runs, delivered " << delivered << ", conflated " << conflated << ", dropped " << dropped
            << ", resyncs " << resyncs);
}

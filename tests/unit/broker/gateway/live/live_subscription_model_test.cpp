// Random sockets against a core that is a list: every subscription is told every change it covers exactly
// once and in order from its `subscribed` on, or is told that it was not (`gap`, `error`) and that it has
// ended (I5).
#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/unit/broker/gateway/live/live_bench.hpp"

using namespace prismbus;
using namespace prismbus::testing;

namespace {

// What one subscription has been told, held against the core.
struct Told {
  std::string ns, glob;
  bool subtree = false, with_entries = false;
  bool joined = false, ended = false, paused = false;
  std::map<std::string, Seq> seen;
  std::set<std::pair<std::string, std::string>> entries;
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) { bench_.core.page = 1 + roll(4); }

  void run() {
    for (int step = 0; step < 120; ++step) move();
    settle();
  }
  std::size_t gaps = 0, joins = 0, changes = 0, holes = 0, refused = 0;

 private:
  static constexpr std::size_t kSockets = 3;

  std::uint64_t roll(std::uint64_t n) { return random_() % n; }
  std::string name() {
    static const std::vector<std::string> names{"a", "a.b", "a.b.c", "a.d", "e", "e.f", "_x"};
    return names[roll(names.size())];
  }

  void move() {
    if (sockets_.size() < kSockets) sockets_.emplace_back(&bench_.open(), std::map<SubscriptionId, Told>());
    auto& [socket, told] = sockets_[roll(sockets_.size())];
    switch (roll(12)) {
      case 0:
      case 1:
      case 2:
        write();
        break;
      case 3:
        subscribe(*socket, told);
        break;
      case 4:
        if (!told.empty()) pause_or_resume(*socket, told);
        break;
      case 5:
        if (!told.empty() && roll(3) == 0) {
          const auto it = std::next(told.begin(), static_cast<long>(roll(told.size())));
          take_all(*socket, told);  // what is on its way is of the former one
          if (it->second.ended) break;
          bench_.say(*socket, R"({"type":"unsubscribe","id":)" + std::to_string(it->first) + "}");
          told.erase(it);
        }
        break;
      case 6:
      case 7:
        if (socket->asked) bench_.answer(*socket);
        break;
      case 8:
        bench_.fetch();
        break;
      case 9:
        hole();
        break;
      case 10:
        clog(*socket);
        break;
      default:
        take_some(*socket, told);
    }
  }

  void write(std::size_t bytes = 1) {
    std::map<std::string, std::vector<std::string>> what;
    for (std::uint64_t n = 1 + roll(3); n > 0; --n) {
      std::vector<std::string>& keys = what[name()];
      if (keys.empty())
        keys = roll(2) == 0 ? std::vector<std::string>{"k/1"} : std::vector<std::string>{"k/2", "l/1"};
    }
    bench_.write(what, bytes);
  }
  // The channel leaves something out, as it does when it is full.
  void hole() {
    ++holes;
    bench_.lose({{name(), {"k/1"}}});
    if (roll(2) == 0) write();
  }
  // More than the outbox holds: slow.
  void clog(Socket& socket) {
    if (roll(25) != 0 || socket.talk.outbox().bytes() > 0) return;
    for (int n = 0; n < 5; ++n) write(1 << 20);
    bench_.fetch();
  }

  void subscribe(Socket& socket, std::map<SubscriptionId, Told>& told) {
    const SubscriptionId id = 1 + roll(6);
    take_all(socket, told);
    if (const auto it = told.find(id); it != told.end() && !it->second.ended) return;
    Told wish;
    wish.subtree = roll(2) == 0;
    wish.ns = wish.subtree && roll(3) == 0 ? "" : name();
    std::string text = R"({"type":"subscribe","id":)" + std::to_string(id) + R"(,"ns":")" + wish.ns + "\"";
    if (wish.subtree) text += R"(,"subtree":true)";
    if (roll(4) == 0) wish.glob = "k/*";
    if (!wish.glob.empty()) text += R"(,"glob":")" + wish.glob + "\"";
    if (roll(3) == 0) {
      text += R"(,"since":{)";
      for (const auto& [ns, seq] : bench_.core.heads(wish.ns, wish.subtree, bench_.core.rev())) {
        wish.seen[ns] = Seq(roll(seq.value() + 1));
        text += (text.back() == '{' ? "\"" : ",\"") + ns + "\":" + std::to_string(wish.seen[ns].value());
      }
      text += "}";
    } else if (roll(3) == 0) {
      text += R"(,"snapshot":false)";
    } else {
      wish.with_entries = true;
    }
    told[id] = std::move(wish);
    bench_.say(socket, text + "}");
  }
  void pause_or_resume(Socket& socket, std::map<SubscriptionId, Told>& told) {
    take_all(socket, told);
    const auto it = std::next(told.begin(), static_cast<long>(roll(told.size())));
    if (it->second.ended) return;
    it->second.paused = !it->second.paused;
    bench_.say(socket, std::string(R"({"type":")") + (it->second.paused ? "pause" : "resume") + R"(","id":)" +
                           std::to_string(it->first) + "}");
  }

  void take_some(Socket& socket, std::map<SubscriptionId, Told>& told) {
    for (std::uint64_t n = roll(5); n > 0 && !socket.talk.outbox().empty(); --n) take(socket, told);
  }
  void take_all(Socket& socket, std::map<SubscriptionId, Told>& told) {
    while (!socket.talk.outbox().empty()) take(socket, told);
  }
  void take(Socket& socket, std::map<SubscriptionId, Told>& told) {
    const Value message = socket.take(bench_.now);
    const auto it = told.find(number_of(message, "id"));
    REQUIRE(it != told.end());
    hear(message, it->second);
  }
  void hear(const Value& message, Told& told) {
    REQUIRE_FALSE(told.ended);
    const std::string type = type_of(message);
    if (type == "change") return hear_change(message, told);
    if (type == "snapshot") {
      REQUIRE_FALSE(told.joined);
      for (const Value& entry : *message.find("entries")->as<Value::Array>())
        REQUIRE(told.entries.emplace(text_of(entry, "ns"), text_of(entry, "key")).second);
      return;
    }
    if (type == "subscribed") return hear_subscribed(message, told);
    told.ended = true;
    if (type == "error") {
      INFO(to_json(message));
      REQUIRE(code_of(message) == "overloaded");  // the log lost what a reading needed, again and again
      REQUIRE_FALSE(told.joined);
      ++refused;
      return;
    }
    REQUIRE(type == "gap");
    ++gaps;
    const std::string ns = text_of(message, "ns");
    const Seq up_to(number_of(message, "seq"));
    REQUIRE(up_to >= told.seen[ns]);
    REQUIRE(skipped_well(ns, told.seen[ns], up_to, told.glob));
  }
  // Nothing between these seqs matches the glob.
  bool skipped_well(const std::string& ns, Seq from, Seq to, const std::string& glob) {
    for (std::uint64_t seq = from.value() + 1; seq <= to.value(); ++seq) {
      if (glob.empty()) return false;
      for (const StoredChange& change : bench_.core.set_of(ns, Seq(seq))->changes) {
        if (glob_matches(glob, change.key)) return false;
      }
    }
    return true;
  }
  void hear_change(const Value& message, Told& told) {
    ++changes;
    const std::string ns = text_of(message, "ns");
    const Seq seq(number_of(message, "seq"));
    REQUIRE((told.subtree ? is_under(ns, told.ns) : ns == told.ns));
    REQUIRE(seq > told.seen[ns]);
    REQUIRE(skipped_well(ns, told.seen[ns], Seq(seq.value() - 1), told.glob));
    std::vector<std::string> keys, expected;
    for (const Value& change : *message.find("changes")->as<Value::Array>())
      keys.push_back(text_of(change, "key"));
    for (const StoredChange& change : bench_.core.set_of(ns, seq)->changes) {
      if (told.glob.empty() || glob_matches(told.glob, change.key)) expected.emplace_back(change.key);
    }
    REQUIRE(keys == expected);
    told.seen[ns] = seq;
  }
  void hear_subscribed(const Value& message, Told& told) {
    ++joins;
    REQUIRE_FALSE(told.joined);
    told.joined = true;
    std::map<std::string, Seq> heads;
    Revision at;
    for (const auto& [key, head] : *message.find("heads")->as<Value::Map>()) {
      heads[*key.as<std::string>()] = Seq(number_of(head, "seq"));
      at = std::max(at, Revision(number_of(head, "rev")));
    }
    REQUIRE(heads == bench_.core.heads(told.ns, told.subtree, at));  // of one revision, all of them
    for (const auto& [ns, seq] : told.seen) REQUIRE(skipped_well(ns, seq, heads[ns], told.glob));
    told.seen = heads;
    if (told.with_entries) REQUIRE(told.entries == bench_.core.entries(told.ns, told.subtree, at, told.glob));
  }

  // Everything comes to rest: what goes on has been told all.
  void settle() {
    write();
    bench_.fetch();
    for (auto& [socket, told] : sockets_) {
      for (auto& [id, one] : told) {
        take_all(*socket, told);
        if (!one.paused || one.ended) continue;
        bench_.say(*socket, R"({"type":"resume","id":)" + std::to_string(id) + "}");
      }
      for (;;) {
        take_all(*socket, told);
        if (!socket->asked) break;
        bench_.answer(*socket);
      }
      for (const auto& [id, one] : told) {
        if (one.ended) continue;
        INFO("id " << id << " of " << one.ns << " " << one.glob);
        REQUIRE(one.joined);
        for (const auto& [ns, seq] : bench_.core.heads(one.ns, one.subtree, bench_.core.rev())) {
          const auto it = one.seen.find(ns);
          REQUIRE(skipped_well(ns, it == one.seen.end() ? Seq() : it->second, seq, one.glob));
        }
      }
    }
  }

  std::mt19937_64 random_;
  Bench bench_;
  std::vector<std::pair<Socket*, std::map<SubscriptionId, Told>>> sockets_;
};

}  // namespace

TEST_CASE("whatever happens, each subscription is told every change once, or that it was not (I3, I5)") {
  const char* given = std::getenv("PRISMBUS_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  const char* chosen = std::getenv("PRISMBUS_RUNS");
  const std::uint64_t usual = std::getenv("PRISMBUS_FULL") == nullptr ? 200 : 2000;
  const std::uint64_t runs = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : usual;
  std::size_t gaps = 0, joins = 0, changes = 0, holes = 0, refused = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    INFO("seed " << seed);
    Model model(seed);
    model.run();
    gaps += model.gaps, joins += model.joins, changes += model.changes, holes += model.holes,
        refused += model.refused;
  }
  std::cout << "seeds from " << first << ": " << joins << " joins, " << refused << " given up, " << changes
            << " changes, " << holes << " holes, " << gaps << " gaps\n";
  if (runs < 200) return;
  // Each of it has been there.
  CHECK(holes > runs);
  CHECK(joins > 2 * runs);
  CHECK(changes > 10 * runs);
  if (runs < 2000) return;
  CHECK(gaps > 0);
  CHECK(joins > 100 * refused);
}

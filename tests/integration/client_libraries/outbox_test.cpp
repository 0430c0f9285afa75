// The outbox against a real broker: outages, killed writers, conflicts of each policy. A broker that dies
// with writes in flight, or returns with another history: outbox_outage_test.py.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "broker/testing/broker.hpp"
#include "publisher/publisher.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Kind = OutboxOutcome::Kind;
using Flat = std::map<std::string, int>;
constexpr auto kPatience = 60s;

struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-outbox-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::unique_ptr<Publisher> publisher_of(const testing::Broker& broker, const std::string& directory,
                                        std::function<void(OutboxOptions&)> change = {}) {
  PublisherOptions options;
  options.brokers = {broker.requests()};
  options.outbox.directory = directory;
  options.outbox.after = 0ms;
  if (change) change(options.outbox);
  auto publisher = Publisher::open(std::move(options));
  INFO((publisher ? "" : publisher.error().message));
  REQUIRE(publisher);
  return std::move(*publisher);
}

// Waits until nothing is pending; the outcomes by id.
std::map<std::uint64_t, OutboxOutcome> drained(Publisher& publisher) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const auto listing = publisher.outbox().get();
    REQUIRE(listing);
    if (listing->pending.empty()) {
      std::map<std::uint64_t, OutboxOutcome> out;
      for (const auto& outcome : listing->outcomes) out.emplace(outcome.id, outcome);
      return out;
    }
    if (std::chrono::steady_clock::now() > give_up) FAIL("not drained: " << listing->pending.size());
    std::this_thread::yield();
  }
}

// The numbers a key ever held, oldest first.
std::vector<int> numbers_of(Publisher& publisher, const std::string& key) {
  std::vector<int> out;
  HistoryCall call;
  call.ns = "spool.test";
  call.key = key;
  while (true) {
    const auto page = publisher.history(call).get();
    if (!page) return out;
    for (const auto& version : page->value.versions) {
      out.insert(out.begin(), decode_value<int>(version.value).value());
    }
    if (!page->value.more) return out;
    call.after = page->value.after;
  }
}

// outbox_writer as a process; killed at the end.
class Writer {
 public:
  Writer(const std::string& broker, const std::string& directory, int first) {
    const std::string from = std::to_string(first);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl(OUTBOX_WRITER, OUTBOX_WRITER, broker.c_str(), directory.c_str(), from.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
  }
  ~Writer() {
    kill();
    std::fclose(out_);
  }
  // The next acknowledged number; nullopt at its end.
  std::optional<int> next(bool& queued) {
    int number = 0;
    char word[16] = {};
    if (std::fscanf(out_, "%d %15s", &number, word) != 2) return std::nullopt;
    queued = std::string(word) == "queued";
    return number;
  }
  void kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  FILE* out_ = nullptr;
};

struct Scene {
  Folder folder;
  std::unique_ptr<testing::Broker> broker = testing::Broker::start().value();
  std::unique_ptr<Publisher> plain = publisher_of(*broker, "");

  // `base` written and seen by a publisher with an outbox; then, in an outage it does not hear of, theirs;
  // then ours queued on top of `base`.
  template <class T>
  OutboxOutcome conflict(const T& base, const T& theirs, const T& ours,
                         std::function<void(OutboxOptions&)> change) {
    REQUIRE(plain->put("conflict.test", "k", base).get());
    const auto seen = plain->get("conflict.test", "k").get();
    REQUIRE(seen);
    broker->stop();
    std::uint64_t id = 0;
    {
      auto writer = publisher_of(*broker, folder.path + "/outbox", change);
      WriteCall call;
      call.if_rev = seen->value.rev;
      const auto queued = writer->put("conflict.test", "k", ours, call).get();
      REQUIRE(queued);
      REQUIRE(queued->queued);
      id = *queued->queued;
    }
    REQUIRE(broker->resume());
    REQUIRE(plain->put("conflict.test", "k", theirs).get());
    auto writer = publisher_of(*broker, folder.path + "/outbox", change);
    const auto outcomes = drained(*writer);
    REQUIRE(outcomes.contains(id));
    REQUIRE(writer->acknowledge({id}).get());
    CHECK(writer->outbox().get()->outcomes.empty());
    return outcomes.at(id);
  }
  template <class T>
  [[nodiscard]] T value() {
    return decode_value<T>(plain->get("conflict.test", "k").get().value().value.value).value();
  }
};

}  // namespace

TEST_CASE("writes called while no broker answers are queued, and applied in order when it returns") {
  const Folder folder;
  auto broker = testing::Broker::start().value();
  broker->stop();
  auto publisher = publisher_of(*broker, folder.path + "/outbox");
  std::uint64_t last = 0;
  for (int i = 0; i < 30; ++i) {
    const auto outcome = publisher->put("spool.test", "k" + std::to_string(i % 2), i).get();
    REQUIRE(outcome);
    REQUIRE(outcome->queued);
    CHECK(*outcome->queued > last);
    last = *outcome->queued;
  }
  CHECK(publisher->outbox().get()->pending.size() == 30);
  REQUIRE(broker->resume());
  const auto outcomes = drained(*publisher);
  REQUIRE(outcomes.size() == 30);
  Revision before;
  for (const auto& [id, outcome] : outcomes) {
    CHECK(outcome.kind == Kind::applied);
    CHECK(outcome.rev > before);
    before = outcome.rev;
  }
  CHECK(numbers_of(*publisher, "k1").size() == 15);
  const auto direct = publisher->put("spool.test", "k0", 99).get();
  REQUIRE(direct);
  CHECK_FALSE(direct->queued);
}

TEST_CASE(
    "what a killed writer was told is queued is applied exactly once, also when killed while it drains") {
  const Folder folder;
  const std::string directory = folder.path + "/outbox";
  auto broker = testing::Broker::start().value();
  std::set<int> acknowledged;
  int next = 0;
  for (int round = 0; round < 5; ++round) {
    broker->stop();
    Writer writer(broker->requests(), directory, next);
    bool queued = false;
    for (int i = 0; i < 60; ++i) {
      const auto number = writer.next(queued);
      REQUIRE(number);
      acknowledged.insert(*number);
    }
    REQUIRE(broker->resume());
    for (int i = 0; i < 10 + round * 40; ++i) {
      const auto number = writer.next(queued);
      REQUIRE(number);
      acknowledged.insert(*number);
    }
    writer.kill();
    while (const auto number = writer.next(queued)) acknowledged.insert(*number);
    next = *acknowledged.rbegin() + 1000;  // what was called but not answered keeps its own numbers
  }
  auto publisher = publisher_of(*broker, directory);
  for (const auto& [id, outcome] : drained(*publisher)) {
    INFO(id << " " << outcome.message);
    CHECK(outcome.kind == Kind::applied);
  }
  std::map<int, int> times;
  for (const auto* key : {"k0", "k1", "k2"}) {
    const auto numbers = numbers_of(*publisher, key);
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    for (const int number : numbers) ++times[number];
  }
  std::size_t lost = 0, twice = 0;
  for (const int number : acknowledged) lost += times.contains(number) ? 0 : 1;
  for (const auto& [number, count] : times) twice += count > 1 ? 1 : 0;
  CHECK(lost == 0);
  CHECK(twice == 0);
}

TEST_CASE(
    "bursts of writes over outages leave each key with its writes in order, each once, the last on top") {
  const char* chosen = std::getenv("PRISMBUS_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
  INFO("PRISMBUS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const Folder folder;
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker, folder.path + "/outbox");
  std::map<std::string, std::vector<int>> called;
  std::vector<Publisher::Future<WriteOutcome>> open;
  int number = 0;
  const auto burst = [&] {
    for (auto left = random() % 40; left > 0; --left) {
      const std::string first = "k" + std::to_string(random() % 3),
                        second = "k" + std::to_string(random() % 3);
      ++number;
      called[first].push_back(number);
      if (random() % 8 == 0 && first != second) {
        called[second].push_back(number);
        Transaction both;
        both.put("spool.test", first, number).put("spool.test", second, number);
        open.push_back(publisher->commit(std::move(both)));
      } else {
        open.push_back(publisher->put("spool.test", first, number));
      }
    }
  };
  bool serves = true;
  for (int round = 0; round < 60; ++round) {
    burst();
    if (random() % 3 == 0) {
      if (serves) broker->stop();
      if (!serves) REQUIRE(broker->resume());
      serves = !serves;
    }
    // Else the next burst meets this one on its way.
    if (random() % 2 == 0 && !open.empty()) open[random() % open.size()].wait();
  }
  if (!serves) REQUIRE(broker->resume());
  for (auto& future : open) {
    const auto outcome = future.get();
    INFO((outcome ? "" : outcome.error().message));
    CHECK(outcome);
  }
  for (const auto& [id, outcome] : drained(*publisher)) {
    INFO(id << " " << outcome.message);
    CHECK(outcome.kind == Kind::applied);
  }
  for (const auto& [key, numbers] : called) CHECK(numbers_of(*publisher, key) == numbers);
}

TEST_CASE("server_wins keeps theirs and reports ours with its value") {
  Scene s;
  const auto outcome = s.conflict(1, 2, 3, [](OutboxOptions& o) { o.policy = ConflictPolicy::server_wins; });
  CHECK(outcome.kind == Kind::superseded);
  CHECK(outcome.changes.at(0).value == encode_value(3));
  CHECK(s.value<int>() == 2);
}

TEST_CASE("client_wins and newest_wins apply ours over theirs, or do not, by the times") {
  Scene s;
  const auto client = s.conflict(1, 2, 3, [](OutboxOptions& o) { o.policy = ConflictPolicy::client_wins; });
  CHECK(client.kind == Kind::applied);
  CHECK(client.conflict);
  CHECK(s.value<int>() == 3);
  const auto newest = s.conflict(1, 2, 3, [](OutboxOptions& o) { o.policy = ConflictPolicy::newest_wins; });
  CHECK(newest.kind == Kind::superseded);  // theirs was written after ours was called
  CHECK(s.value<int>() == 2);
}

TEST_CASE("merge brings both sides together, and a leaf both changed goes to the resolver or is reported") {
  Scene s;
  const auto merge = [](OutboxOptions& o) { o.policy = ConflictPolicy::merge; };
  const auto merged =
      s.conflict(Flat{{"a", 1}, {"b", 1}}, Flat{{"a", 1}, {"b", 5}}, Flat{{"a", 7}, {"b", 1}}, merge);
  CHECK(merged.kind == Kind::merged);
  CHECK(s.value<Flat>() == Flat{{"a", 7}, {"b", 5}});
  const auto reported = s.conflict(Flat{{"a", 1}}, Flat{{"a", 2}}, Flat{{"a", 3}}, merge);
  CHECK(reported.kind == Kind::rejected);
  CHECK(reported.code == ErrorCode::conflict);
  CHECK(reported.message.find("/a") != std::string::npos);
  const auto resolved = s.conflict(Flat{{"a", 1}}, Flat{{"a", 2}}, Flat{{"a", 3}}, [](OutboxOptions& o) {
    o.policy = ConflictPolicy::merge;
    o.on_leaf = [](const LeafConflict&) { return LeafChoice{LeafChoice::Take::ours, {}}; };
  });
  CHECK(resolved.kind == Kind::applied);
  CHECK(s.value<Flat>() == Flat{{"a", 3}});
}

TEST_CASE("the callback sees base, ours and theirs, and outcomes it takes are acknowledged") {
  Scene s;
  const auto outcome = s.conflict(1, 2, 3, [](OutboxOptions& o) {
    o.policy = ConflictPolicy::callback;
    o.on_conflict = [](const WriteConflict& at) -> Resolution {
      if (at.base != MaybeValue(encode_value(1)) || at.ours != MaybeValue(encode_value(3))) return {};
      if (!at.theirs || at.theirs->value != encode_value(2)) return {};
      return {Resolution::Take::value, encode_value(6)};
    };
  });
  CHECK(outcome.kind == Kind::merged);
  CHECK(s.value<int>() == 6);
}

TEST_CASE("a full outbox answers overloaded, a second publisher on it unavailable (I8)") {
  const Folder folder;
  auto broker = testing::Broker::start().value();
  broker->stop();
  auto publisher =
      publisher_of(*broker, folder.path + "/outbox", [](OutboxOptions& o) { o.entries_max = 2; });
  REQUIRE(publisher->put("spool.test", "a", 1).get());
  REQUIRE(publisher->put("spool.test", "b", 1).get());
  CHECK(publisher->put("spool.test", "c", 1).get().error().code == ErrorCode::overloaded);
  PublisherOptions second;
  second.outbox.directory = folder.path + "/outbox";
  CHECK(Publisher::open(second).error().code == ErrorCode::unavailable);
}

TEST_CASE("what is open when a publisher stops is in its outbox") {
  const Folder folder;
  auto broker = testing::Broker::start().value();
  broker->stop();
  Publisher::Future<WriteOutcome> open;
  {
    auto publisher = publisher_of(*broker, folder.path + "/outbox", [](OutboxOptions& o) { o.after = 1h; });
    open = publisher->put("spool.test", "k", 1);
  }
  const auto outcome = open.get();
  REQUIRE(outcome);
  CHECK(outcome->queued);
  REQUIRE(broker->resume());
  auto publisher = publisher_of(*broker, folder.path + "/outbox");
  CHECK(drained(*publisher).size() == 1);
  CHECK(numbers_of(*publisher, "k") == std::vector<int>{1});
}

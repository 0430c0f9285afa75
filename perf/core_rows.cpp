// Benchmarks of the core itself, without sockets or other threads, as the bus thread works it, in its CPU
// time. For what security brings only together: a broker with it on always encrypts its requests, so over
// sockets neither a bound token nor a sealed stream ever comes without that.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <vector>

#include "broker/core/request_rates.hpp"
#include "broker/security/security_files.hpp"
#include "broker/security/token_desk.hpp"
#include "perf/bench.hpp"
#include "perf/loading.hpp"
#include "perf/timed_reads.hpp"
#include "proto/wire/codec/request.hpp"
#include "tests/model/fake_broker.hpp"

namespace prismbus::perf {
namespace {

constexpr std::uint64_t kPerTransaction = 500;
constexpr std::size_t kGetsAtOnce = 1000;
constexpr std::size_t kTokenQueue = 16;
constexpr int kSlices =
    10;  // of a round: the differences are smaller than what the machine drifts in seconds

// Counts the replies, and keeps why one was not fine.
struct CountingDoor final : ReplySink, Feed {
  std::uint64_t fine = 0, other = 0, frames = 0;
  std::string why;
  void reply(const ReplyTo&, std::string payload) override {
    ++(judge_reply(payload, why) == Verdict::fine ? fine : other);
  }
  void publish(Lane, std::string) override { ++frames; }
};

void ignore_log(LogLevel, std::string_view) {}

// The tokens' side of a broker: verified by the agent when verify() is called, known to the desk.
struct Tokens {
  explicit Tokens(const SecurityFiles& files)
      : agent(files.keys_file, TokenVerifier(files.token_keys, {}), to_verify, from_verify, news,
              ignore_log) {}
  BoundedQueue<TokenJob> to_verify{kTokenQueue, nullptr};
  BoundedQueue<TokenDone> from_verify{kTokenQueue, nullptr};
  BoundedQueue<AuditEntry> news{1, nullptr};
  TokenAgent agent;
};

model::FakeBrokerSettings settings_of(const std::string& dir, const std::optional<StreamKey>& master) {
  model::FakeBrokerSettings settings;
  settings.dir = dir;
  settings.pipeline.stream_master = master;
  settings.map_bytes = std::size_t{8} << 30;
  return settings;
}

// A broker's core with who asks in front of it, as the daemon puts them together. `tokens`: null = everybody
// may do everything.
class Core {
 public:
  // `master`: set = what is published is sealed.
  Core(const std::string& dir, Tokens* tokens, std::optional<StreamKey> master = {})
      : tokens_(tokens),
        rates_(who_asks(), door_, [](ConnectionId) { return false; }),
        broker_(settings_of(dir, master), journal_disk_, state_disk_, door_, door_, &rates_) {}

  Outcome greet(const std::string& token) {
    ask(codec::encode_request({.id = {}, .token = token, .epoch = {}, .body = HelloRequest{}}));
    tokens_->agent.step(now_);
    broker_.pipeline.step(now_);
    return door_.fine == 1 ? Outcome() : tl::unexpected("hello: " + door_.why);
  }
  // All of it is in the state afterwards, nothing in recent.
  Outcome load(const KeySpace& space) {
    for (const std::string& txn : loading_transactions(space, 0, space.keys, kPerTransaction)) {
      ask(txn);
      broker_.pipeline.flush(now_);
      broker_.journal.step(now_);
      settle();
    }
    now_.steady += std::chrono::seconds(10);  // what waits for company is folded without
    for (int i = 0; i < 100; ++i) settle();
    return door_.other == 0 ? Outcome() : tl::unexpected("loading: " + door_.why);
  }
  Result<Reads, std::string> get(RequestStream stream, std::chrono::milliseconds time) {
    const std::uint64_t before = door_.fine;
    const std::vector<int> gets(kGetsAtOnce);
    const Reads reads = time_reads(gets, time, [&](int) {
      ask(stream.next_payload());
      return 1;
    });
    if (door_.fine - before != reads.n) return tl::unexpected("a get failed: " + door_.why);
    return reads;
  }

  // Transactions of `sets` change sets each, kCommitted of them a commit; what the disk takes is not counted.
  Result<Reads, std::string> publish(RequestStream stream, std::uint64_t sets,
                                     std::chrono::milliseconds time) {
    const std::uint64_t before = door_.fine;
    std::chrono::nanoseconds spent{};
    std::uint64_t transactions = 0;
    const auto timed = [&](auto work) {
      const auto start = thread_cpu_time();
      work();
      spent += thread_cpu_time() - start;
    };
    const auto end = std::chrono::steady_clock::now() + time;
    for (; std::chrono::steady_clock::now() < end; transactions += kCommitted) {
      timed([&] {
        for (std::size_t i = 0; i < kCommitted; ++i) ask(stream.next_payload());
        broker_.pipeline.flush(now_);
      });
      broker_.journal.step(now_);
      timed([&] { broker_.pipeline.step(now_); });
      settle();
    }
    if (door_.fine - before != transactions) return tl::unexpected("a transaction failed: " + door_.why);
    Reads figures;
    figures.n = transactions * sets;
    figures.per_cpu_second = static_cast<double>(figures.n) / std::chrono::duration<double>(spent).count();
    return figures;
  }
  [[nodiscard]] std::uint64_t frames() const { return door_.frames; }

 private:
  static constexpr std::size_t kCommitted = 16;

  std::unique_ptr<Authoriser> who_asks() {
    if (tokens_ == nullptr) return std::make_unique<OpenAuthoriser>();
    return std::make_unique<TokenDesk>(tokens_->to_verify, tokens_->from_verify, door_, [](ConnectionId) {});
  }
  void ask(std::string_view payload) {
    (void)rates_.entered(from_.connection, now_);
    broker_.pipeline.on_request(from_, payload, now_);
    rates_.left();
  }
  void settle() {
    broker_.pipeline.step(now_);
    broker_.fold.step(now_);
    broker_.pipeline.step(now_);
  }

  const ReplyTo from_{ConnectionId(7), "peer1", {}};
  Now now_ = read_clock();
  CountingDoor door_;
  Tokens* const tokens_;
  RequestRates rates_;
  model::FakeDisk journal_disk_, state_disk_;
  model::FakeBroker broker_;
};

Outcome bound_token(Bench& bench) {
  auto security = bench.secure("core");
  if (!security) return tl::unexpected(security.error());
  const auto files = SecurityFiles::load(security->path());
  if (!files) return tl::unexpected(files.error().message);
  const auto token = security->credentials().token_now();
  if (!token) return tl::unexpected(token.error().message);
  Tokens tokens(*files);
  Core with(bench.scratch() + "/core-token", &tokens), without(bench.scratch() + "/core-open", nullptr);
  if (auto greeted = with.greet(*token); !greeted) return greeted;
  for (Core* core : {&with, &without}) {
    if (auto loaded = core->load(bench.keys()); !loaded) return loaded;
  }
  std::vector<double> ours, raw;
  std::uint64_t n = 0;
  for (int round = 0; round < kSlices * bench.options().rounds; ++round) {
    const std::uint64_t seed = bench.options().seed + static_cast<std::uint64_t>(round);
    for (Core* core : {&without, &with}) {
      const auto reads =
          core->get(RequestStream::gets(bench.keys(), seed), bench.options().measure / kSlices);
      if (!reads) return tl::unexpected(reads.error());
      (core == &with ? ours : raw).push_back(reads->per_cpu_second);
      if (core == &with) n += reads->n;
    }
  }
  const double with_token = median(ours), open = median(raw);
  bench.report(
      {.name = "get through the core, token bound to the connection",
       .ours = rate(with_token),
       .raw = rate(open),
       .mark = ">= 90 %",
       .reached = with_token >= 0.9 * open,
       .n = n,
       .conditions = fmt::format("no sockets, no other thread, CPU time; random key of {} in the state; "
                                 "raw = no security; the token costs {:.0f} ns of {:.0f} ns",
                                 bench.keys().keys, 1e9 / with_token - 1e9 / open, 1e9 / with_token)});
  return {};
}

Outcome sealed_publishing(Bench& bench) {
  constexpr std::uint64_t kNamespaces = 100;
  const KeySpace space{.ns = bench.keys().ns, .keys = 1000};
  Core sealed(bench.scratch() + "/core-sealed", nullptr,
              StreamKey::from(std::string(StreamKey::kBytes, 'm'))),
      open(bench.scratch() + "/core-plain", nullptr);
  std::vector<double> ours, raw;
  std::uint64_t n = 0;
  for (int round = 0; round < kSlices * bench.options().rounds; ++round) {
    for (Core* core : {&open, &sealed}) {
      const auto sets = core->publish(RequestStream::spread_transactions(space, kNamespaces), kNamespaces,
                                      bench.options().measure / kSlices);
      if (!sets) return tl::unexpected(sets.error());
      (core == &sealed ? ours : raw).push_back(sets->per_cpu_second);
      if (core == &sealed) n += sets->n;
    }
  }
  const double with_seal = median(ours), without = median(raw);
  bench.report(
      {.name = "change set sequenced and published through the core, sealed",
       .ours = rate(with_seal),
       .raw = rate(without),
       .n = n,
       .conditions = fmt::format("no sockets, no other thread, CPU time without disk; transactions over {} "
                                 "namespaces, {:.2f} frames a set; raw = not sealed; sealing costs {:.0f} ns "
                                 "of {:.0f} ns a set",
                                 kNamespaces, static_cast<double>(sealed.frames()) / static_cast<double>(n),
                                 1e9 / with_seal - 1e9 / without, 1e9 / with_seal)});
  return {};
}

}  // namespace

Outcome bench_core(Bench& bench) {
  if (auto done = bound_token(bench); !done) return done;
  return sealed_publishing(bench);
}

}  // namespace prismbus::perf

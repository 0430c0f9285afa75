// Benchmark: sealing and opening a body of the stream, the leaf key at hand, in CPU time of one thread. Raw
// is libsodium alone: the same cipher in memory that is there, with a nonce that is.
#include <fmt/format.h>
#include <sodium.h>
#include <time.h>

#include <algorithm>

#include "perf/bench.hpp"
#include "proto/seal/key_tree.hpp"
#include "proto/seal/sealed_body.hpp"

namespace prismbus::perf {
namespace {

constexpr std::string_view kTopic = "perf.market.binance/";
const Period kPeriod = Period::of(1, 29'900'000);

double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

struct Timed {
  std::vector<double> ns;  // of one operation, a turn each
  std::uint64_t n = 0;
  template <class Operation>
  void turn(std::uint64_t times, Operation operation) {
    const double start = cpu_ns();
    for (std::uint64_t i = 0; i < times; ++i) operation();
    ns.push_back((cpu_ns() - start) / static_cast<double>(times));
    n += times;
  }
  [[nodiscard]] Figure figure() const {
    return duration(std::chrono::nanoseconds(static_cast<std::int64_t>(median(ns))));
  }
};

// libsodium with everything at hand.
struct Raw {
  std::vector<unsigned char> plain, box;
  std::vector<unsigned char> nonce = std::vector<unsigned char>(NonceSource::kBytes, 7);
  const unsigned char* topic = reinterpret_cast<const unsigned char*>(kTopic.data());

  explicit Raw(std::size_t size) : plain(size, 'v'), box(size + kSealTagBytes) {}
  void seal(const StreamKey& key) {
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(box.data(), nullptr, plain.data(), plain.size(), topic,
                                                     kTopic.size(), nullptr, nonce.data(), key.data());
  }
  [[nodiscard]] bool open(const StreamKey& key) {
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, box.data(), box.size(),
                                                      topic, kTopic.size(), nonce.data(), key.data()) == 0;
  }
};

Outcome measure(Bench& bench, const StreamKey& leaf, std::size_t size, double seal_us, double open_us) {
  const std::uint64_t times = bench.options().tiny ? 200 : 100'000'000 / (500 + size);
  const std::string text(size, 'v');
  BodySealer sealer;
  Raw raw(size);
  const std::string frame = sealer.seal(leaf, kPeriod, kTopic, text);
  const std::string_view body = std::string_view(frame).substr(kTopic.size());
  std::string plain;
  Timed seal, raw_seal, open, raw_open;
  std::uint64_t bytes = 0, failed = 0;
  for (int turn = 0; turn < 3 * bench.options().rounds; ++turn) {
    raw_seal.turn(times, [&] { raw.seal(leaf); });
    seal.turn(times, [&] { bytes += sealer.seal(leaf, kPeriod, kTopic, text).size(); });
    raw_open.turn(times, [&] { failed += raw.open(leaf) ? 0 : 1; });
    open.turn(times, [&] { failed += open_body(leaf, kTopic, body, plain) ? 0 : 1; });
  }
  if (failed > 0 || plain != text || bytes != seal.n * frame.size())
    return tl::unexpected(std::string("what was sealed did not open"));
  const auto report = [&](const char* what, const Timed& ours, const Timed& theirs, double mark_us) {
    bench.report({.name = fmt::format("{} of {} B", what, size),
                  .ours = ours.figure(),
                  .raw = theirs.figure(),
                  .mark = mark_us > 0 ? fmt::format("< {} us", mark_us) : "",
                  .reached = mark_us > 0 ? std::optional(median(ours.ns) < 1e3 * mark_us) : std::nullopt,
                  .n = ours.n,
                  .conditions = fmt::format("CPU time; fastest turn {:.0f} ns (raw {:.0f} ns)",
                                            *std::min_element(ours.ns.begin(), ours.ns.end()),
                                            *std::min_element(theirs.ns.begin(), theirs.ns.end()))});
  };
  report("seal a body", seal, raw_seal, seal_us);
  report("open a body", open, raw_open, open_us);
  return {};
}

}  // namespace

Outcome bench_seal(Bench& bench) {
  const KeyTree tree(*StreamKey::from(std::string(StreamKey::kBytes, 'm')), Epoch(1));
  Timed derive;
  std::uint64_t some = 0;
  for (int turn = 0; turn < bench.options().rounds; ++turn) {
    derive.turn(bench.options().tiny ? 200 : 50'000,
                [&] { some += tree.leaf(kPeriod, "perf.market.binance").data()[0]; });
  }
  const StreamKey leaf = tree.leaf(kPeriod, "perf.market.binance");
  if (auto small = measure(bench, leaf, 200, 1.0, 1.2); !small) return small;
  if (auto large = measure(bench, leaf, 2048, 0, 0); !large) return large;
  bench.report({.name = "derive a leaf key of three segments",
                .ours = derive.figure(),
                .n = derive.n,
                .conditions = fmt::format("CPU time; five hashes, {}",
                                          some > 0 ? "kept by whoever seals or opens" : "of zeros")});
  return {};
}

}  // namespace prismbus::perf

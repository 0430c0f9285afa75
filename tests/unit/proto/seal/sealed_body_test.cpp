// Sealing and opening, and everything that must not open (I10).
#include "proto/seal/sealed_body.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>
#include <set>

#include "proto/base/bytes.hpp"
#include "proto/seal/key_tree.hpp"

using namespace prismbus;

namespace {

const StreamKey kMaster = *StreamKey::from(std::string(32, 'm'));
const Period kPeriod = Period::of(5, 1000);
const std::string kTopic = "a.b/";

std::uint64_t chosen_seed() {
  const char* given = std::getenv("PRISMBUS_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

std::string random_text(std::mt19937_64& random, std::size_t size) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

}  // namespace

TEST_CASE("what is sealed opens to the same bytes, in the memory of the body before") {
  const KeyTree tree(kMaster, Epoch(9));
  const StreamKey leaf = tree.leaf(kPeriod, "a.b");
  BodySealer sealer;
  std::string plain;
  std::mt19937_64 random(1);
  for (const std::size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 200, 2048, 1 << 20}) {
    const std::string text = random_text(random, size);
    const std::string frame = sealer.seal(leaf, kPeriod, kTopic, text);
    REQUIRE(frame.size() == kTopic.size() + kSealOverhead + size);
    CHECK(frame.starts_with(kTopic));
    const std::string_view body = std::string_view(frame).substr(kTopic.size());
    CHECK(body.front() == '\xc1');
    CHECK(load_be64(body.data() + 1) == kPeriod.value());
    CHECK(period_of(body).value() == kPeriod);
    REQUIRE(open_body(leaf, kTopic, body, plain));
    CHECK((plain == text));
  }
}

TEST_CASE("I10: the same body sealed twice has another nonce and no byte run in common") {
  const StreamKey leaf = KeyTree(kMaster, Epoch(9)).leaf(kPeriod, "a.b");
  BodySealer sealer;
  const std::string text(64, 'x');
  std::set<std::string> nonces, boxes;
  for (int i = 0; i < 1000; ++i) {
    const std::string body = sealer.seal(leaf, kPeriod, "", text);
    nonces.insert(body.substr(9, NonceSource::kBytes));
    boxes.insert(body.substr(9 + NonceSource::kBytes, 16));
  }
  CHECK(nonces.size() == 1000);
  CHECK(boxes.size() == 1000);
}

TEST_CASE("a body of another first byte is unsealed, a short one malformed; the buffer is empty then") {
  const StreamKey leaf = KeyTree(kMaster, Epoch(9)).leaf(kPeriod, "a.b");
  BodySealer sealer;
  const std::string whole = sealer.seal(leaf, kPeriod, "", "");
  REQUIRE(whole.size() == kSealOverhead);
  std::string plain = "before";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const SealFault fault = size == 0 ? SealFault::unsealed : SealFault::malformed;
    const std::string part = whole.substr(0, size);
    CHECK(period_of(part).error() == fault);
    CHECK(open_body(leaf, "", part, plain).error() == fault);
    CHECK(plain.empty());
  }
  std::string other = whole;
  other.front() = '\x90';
  CHECK(period_of(other).error() == SealFault::unsealed);
  REQUIRE(open_body(leaf, "", whole, plain));
}

TEST_CASE("I10: nothing opens under another key, for another topic, or with any bit changed") {
  const std::uint64_t seed = chosen_seed();
  std::printf("sealed_body_test: PRISMBUS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  INFO("PRISMBUS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const KeyTree tree(kMaster, Epoch(9));
  const auto told_sibling = tree.node(kPeriod, "a.c");
  const std::vector<StreamKey> wrong_keys{
      told_sibling,                                            // a sibling's node, as it is
      *leaf_below(told_sibling, "a.c", "a.c"),                 // a sibling's leaf
      *leaf_below(told_sibling, "a.c", "a.c.b"),               // below the sibling
      *leaf_below(tree.node(kPeriod, "b"), "b", "b.b"),        // the parent's sibling
      *leaf_below(tree.node(kPeriod, "a.b"), "a.b", "a.b.b"),  // the child's
      tree.leaf(kPeriod, "a"),                                 // the parent's leaf
      tree.node(kPeriod, "a.b"),                               // the node instead of the leaf
      tree.leaf(kPeriod.previous(), "a.b"),                    // an old period
      tree.leaf(kPeriod.next(), "a.b"),                        // a period to come
      tree.leaf(Period::of(4, 1000), "a.b"),                   // before the revocation
      KeyTree(kMaster, Epoch(10)).leaf(kPeriod, "a.b"),        // another epoch
      KeyTree(*StreamKey::from(std::string(32, 'n')), Epoch(9)).leaf(kPeriod, "a.b"),
      StreamKey(),
  };
  const std::vector<std::string> wrong_topics{"a.c/", "a/", "a.b", "a.b.c/", "", "A.b/", "a.b//"};
  const StreamKey leaf = tree.leaf(kPeriod, "a.b");
  BodySealer sealer;
  std::string plain;
  std::size_t opened = 0, tried = 0;
  const auto try_to_open = [&](const StreamKey& key, std::string_view topic, std::string_view body) {
    opened += open_body(key, topic, body, plain).has_value() || !plain.empty() ? 1 : 0;
    ++tried;
  };
  for (int round = 0; round < 500; ++round) {
    const std::string text = random_text(random, random() % 300);
    const std::string frame = sealer.seal(leaf, kPeriod, kTopic, text);
    const std::string body = frame.substr(kTopic.size());
    for (const StreamKey& key : wrong_keys) try_to_open(key, kTopic, body);
    for (const std::string& topic : wrong_topics) try_to_open(leaf, topic, body);
    // The period is no part of what is authenticated, but names the key: that of the changed one does not
    // open.
    for (int i = 0; i < 20; ++i) {
      std::string flipped = body;
      const std::size_t bit = random() % (8 * body.size());
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const auto period = period_of(flipped);
      try_to_open(tree.leaf(period.value_or(kPeriod), "a.b"), kTopic, flipped);
    }
    try_to_open(leaf, kTopic, body.substr(0, random() % body.size()));
    try_to_open(leaf, kTopic, body + '\0');
    REQUIRE(open_body(leaf, kTopic, body, plain));
  }
  CHECK(tried >= 10'000);
  CHECK(opened == 0);
}

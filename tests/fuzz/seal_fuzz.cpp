// Frames of the sealed stream: whatever the bytes, what they claim is read or refused, and nothing opens but
// what was sealed (I10): the input as a frame, as a body, and as what is sealed, with a byte of it changed.
#include "proto/seal/key_tree.hpp"
#include "proto/seal/sealed_body.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

const KeyTree& tree() {
  static const KeyTree one(*StreamKey::from(std::string(StreamKey::kBytes, 'f')), Epoch(1));
  return one;
}

// `corpus/seal/genuine` is the one frame that this opens: sealed by another implementation.
void check_body(std::string_view topic, std::string_view body) {
  const auto period = period_of(body);
  std::string plain = "before";
  if (!period) {
    const StreamKey leaf = tree().leaf(Period(), "a.b");
    FUZZ_CHECK(open_body(leaf, topic, body, plain).error() == period.error() && plain.empty());
    FUZZ_CHECK((period.error() == SealFault::unsealed) == (body.empty() || body.front() != kSealedMark));
    return;
  }
  FUZZ_CHECK(body.size() >= kSealOverhead && body.front() == kSealedMark);
  const auto opened = open_body(tree().leaf(*period, "a.b"), topic, body, plain);
  FUZZ_CHECK(opened ? plain == "genuine" : opened.error() == SealFault::forged && plain.empty());
}

void check_round_trip(std::string_view bytes) {
  static BodySealer sealer;
  const Period period = Period::of(1, 2);
  const StreamKey leaf = tree().leaf(period, "a.b");
  std::string frame = sealer.seal(leaf, period, "a.b/", bytes);
  std::string plain;
  FUZZ_CHECK(open_body(leaf, "a.b/", std::string_view(frame).substr(4), plain) && plain == bytes);
  if (bytes.size() < 3) return;
  const std::size_t at =
      4 +
      (static_cast<std::uint8_t>(bytes[0]) * 256u + static_cast<std::uint8_t>(bytes[1])) % (frame.size() - 4);
  const char change = bytes[2] == 0 ? '\1' : bytes[2];
  frame[at] = static_cast<char>(frame[at] ^ change);
  const std::string_view body = std::string_view(frame).substr(4);
  const auto claimed = period_of(body);
  FUZZ_CHECK(claimed.has_value() == (at != 4));
  FUZZ_CHECK(!open_body(tree().leaf(claimed.value_or(period), "a.b"), "a.b/", body, plain) && plain.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  const std::size_t slash = bytes.find('/');
  check_body("a.b/", bytes);
  if (slash != std::string_view::npos) check_body(bytes.substr(0, slash + 1), bytes.substr(slash + 1));
  check_round_trip(bytes);
  return 0;
}

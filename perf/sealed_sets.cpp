#include "perf/sealed_sets.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "perf/stream_receivers.hpp"
#include "proto/seal/sealed_body.hpp"

namespace prismbus::perf {
namespace {

constexpr std::size_t kNonceAt = 1 + 8, kTextAt = kNonceAt + NonceSource::kBytes;
constexpr std::size_t kHeadBytes = 4;     // what sets_in() looks at
constexpr std::uint64_t kFirstBlock = 1;  // block 0 is the tag's key

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::uint64_t SealedSets::count(std::string_view frame) {
  const auto slash = frame.find('/');
  if (slash == std::string_view::npos) return 0;
  const std::string_view topic = frame.substr(0, slash + 1), body = frame.substr(slash + 1);
  const auto period = period_of(body);
  if (!period || body.size() < kTextAt + kHeadBytes) return 0;
  const std::string_view nonce = body.substr(kNonceAt, NonceSource::kBytes);
  std::uint32_t place = 0;
  std::memcpy(&place, nonce.data(), sizeof place);
  Seen& seen = seen_[place % kRemembered];
  if (std::equal(nonce.begin(), nonce.end(), seen.nonce.begin())) return seen.sets;
  std::array<unsigned char, kHeadBytes> head{};
  crypto_stream_xchacha20_xor_ic(head.data(), bytes_of(body.substr(kTextAt)), head.size(), bytes_of(nonce),
                                 kFirstBlock, leaf_of(topic.substr(0, slash), *period).data());
  std::string plain(topic);
  plain.append(head.begin(), head.end());
  std::copy(nonce.begin(), nonce.end(), seen.nonce.begin());
  return seen.sets = sets_in(plain);
}

const StreamKey& SealedSets::leaf_of(std::string_view ns, Period period) {
  Leaf& leaf = leaves_[std::string(ns)];
  if (leaf.period != period) leaf = {period, tree_.leaf(period, ns)};
  return leaf.key;
}

}  // namespace prismbus::perf

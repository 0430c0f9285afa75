// Requests made once and patched: what a generator sends again and again without encoding anything. A stream
// is one framed message with holes for the id, the key's digits and the request id's n; next() copies it and
// fills the holes. One thread. Keys are drawn by a fixed seed, so that every run asks for the same ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prismbus::perf {

inline constexpr std::size_t kValueBytes = 200;  // encoded size of every value the benchmarks write

// What identifies the data of a benchmark: keys "key-00000000" .. of one namespace.
struct KeySpace {
  std::string ns = "perf.market";
  std::uint64_t keys = 100'000;
};
[[nodiscard]] std::string key_name(std::uint64_t index);
[[nodiscard]] std::string encoded_value(
    std::size_t bytes);  // a string value of exactly `bytes` when encoded (35..255)

class RequestStream {
 public:
  [[nodiscard]] static RequestStream gets(const KeySpace& space, std::uint64_t seed);
  // With `session` (8 bytes) every put carries `req` with a growing n, as the publisher library's do.
  [[nodiscard]] static RequestStream puts(const KeySpace& space, std::uint64_t seed,
                                          std::string_view session = {});
  // One transaction that puts one key into each of `namespaces` namespaces "<ns>-000".. : that many frames on
  // the stream.
  [[nodiscard]] static RequestStream spread_transactions(const KeySpace& space, std::size_t namespaces);

  // Appends the next request, framed, to `out`.
  void next(std::string& out);
  // The next request without its frames; lent until the next call.
  [[nodiscard]] std::string_view next_payload();
  [[nodiscard]] std::size_t framed_bytes() const { return framed_.size(); }

 private:
  RequestStream(std::string payload, std::uint64_t keys, std::uint64_t seed);

  std::string framed_, scratch_;
  std::vector<std::size_t> key_at_;   // where the digits of a key stand; the same index everywhere
  std::size_t id_at_ = 0, n_at_ = 0;  // 0 = the request has none
  std::uint64_t keys_, random_, sent_ = 0;
};

// How a reply ended. `fine` costs a comparison of bytes at a fixed place; everything else is decoded.
enum class Verdict : std::uint8_t { fine, overloaded, failed };
[[nodiscard]] Verdict judge_reply(std::string_view payload, std::string& why);

}  // namespace prismbus::perf

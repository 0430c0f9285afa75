// What fuzz targets hold the decoders against: msgpack-c under limits, and a check that ends the process.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <msgpack.hpp>
#include <optional>
#include <string_view>

// A property that must hold for every input. abort() is what a fuzzer reports with the input that did it.
#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

namespace prismbus::fuzz {

constexpr std::size_t kOracleBytes = 1u << 16;  // larger inputs are run without the second opinion
constexpr std::size_t kOracleDepth = 200;

inline std::string_view as_bytes(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The first object of `bytes` as msgpack-c reads it, and how many bytes it took; nullopt where it sees none.
struct Unpacked {
  msgpack::object_handle handle;
  std::size_t used = 0;
};
inline std::optional<Unpacked> unpack_first(std::string_view bytes) {
  const auto bound = bytes.size();
  Unpacked out;
  try {
    out.handle = msgpack::unpack(bytes.data(), bytes.size(), out.used, nullptr, nullptr,
                                 msgpack::unpack_limit(bound, bound, bound, bound, bound, kOracleDepth));
  } catch (const std::exception&) {  // how msgpack-c refuses
    return std::nullopt;
  }
  return out;
}

// True also for inputs too large to ask about.
inline bool oracle_accepts_whole(std::string_view bytes) {
  if (bytes.size() > kOracleBytes) return true;
  const auto unpacked = unpack_first(bytes);
  return unpacked && unpacked->used == bytes.size();
}

}  // namespace prismbus::fuzz

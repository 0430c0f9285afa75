#include "broker/gateway/http/gzip.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include "broker/gateway/http/http_text.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr int kLevel = 1;  // the machine's other core has a feed to serve
constexpr int kGzipWindow = 15 + 16;
constexpr std::size_t kRoom = 16u << 10;

}  // namespace

struct Gzip::State {
  z_stream stream{};
};

Gzip::Gzip() : state_(std::make_unique<State>()) {
  const int made = ::deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  PRISMBUS_ASSERT(made == Z_OK, "zlib is there");
}
Gzip::~Gzip() {
  ::deflateEnd(&state_->stream);
}

std::string Gzip::add(std::string_view text, More more) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<const Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  std::string out;
  do {
    const std::size_t have = out.size();
    out.resize(have + kRoom);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + have);
    stream.avail_out = static_cast<uInt>(kRoom);
    ::deflate(&stream, more == More::yes ? Z_SYNC_FLUSH : Z_FINISH);
    out.resize(have + kRoom - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

bool accepts_gzip(std::string_view header) {
  for (;;) {
    const std::size_t comma = header.find(',');
    const std::string one = lower(trimmed(header.substr(0, comma)));
    const std::size_t semicolon = one.find(';');
    const std::string_view name = trimmed(std::string_view(one).substr(0, semicolon));
    if (name == "gzip" || name == "*") {
      // q=0, q=0.0 ... says no.
      const std::size_t q = semicolon == std::string::npos ? std::string::npos : one.find("q=", semicolon);
      return q == std::string::npos || one.find_first_of("123456789", q + 2) != std::string::npos;
    }
    if (comma == std::string_view::npos) return false;
    header.remove_prefix(comma + 1);
  }
}

}  // namespace prismbus

// The reader under all decoders: it passes exactly the bytes msgpack-c takes for one object, and refuses what
// that refuses; the depth-bounded and the constant-space walk agree; a walk token by token ends at the same
// place.
#include "proto/wire/codec/cursor.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;
using codec::Cursor;
using codec::Kind;
using codec::Token;

namespace {

bool walk_tokens(Cursor& cursor) {
  std::uint64_t pending = 1;
  Token token;
  for (; pending > 0; --pending) {
    if (!cursor.next(token)) return false;
    if (token.kind == Kind::array) pending += token.number;
    if (token.kind == Kind::map) pending += 2 * token.number;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  Cursor bounded(bytes);
  Cursor unbounded(bytes);
  Cursor tokens(bytes);
  const bool passed = bounded.skip();
  const bool whole = unbounded.skip_any_depth();
  FUZZ_CHECK(walk_tokens(tokens) == whole);
  if (whole) FUZZ_CHECK(tokens.left() == unbounded.left());
  if (passed) FUZZ_CHECK(whole && bounded.left() == unbounded.left());
  if (!passed && whole) FUZZ_CHECK(bounded.trouble() == codec::Trouble::too_deep);
  if (!passed) FUZZ_CHECK(bounded.trouble() != codec::Trouble::none);
  if (size <= fuzz::kOracleBytes) {
    const auto unpacked = fuzz::unpack_first(bytes);
    if (passed) FUZZ_CHECK(unpacked && unpacked->used == size - bounded.left());
    if (unpacked) FUZZ_CHECK(whole && unpacked->used == size - unbounded.left());
  }
  return 0;
}

// Names and globs: the rules said a second time, and globs against a table filled by their definition.
// Input: a glob, a newline, a key; each name rule also sees the whole input.
#include <string>
#include <vector>

#include "proto/wire/names.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

// RFC 3629 by decoding: each sequence is re-encoded in mind and must be the shortest.
bool utf8_by_decoding(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const unsigned lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t size = lead < 0x80       ? 1
                             : lead >> 5 == 6  ? 2
                             : lead >> 4 == 14 ? 3
                             : lead >> 3 == 30 ? 4
                                               : 0;
    if (size == 0 || i + size > bytes.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const unsigned next = static_cast<unsigned char>(bytes[i + k]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += size;
  }
  return true;
}

bool namespace_by_segments(std::string_view ns) {
  if (ns.empty() || ns.size() > 120) return false;
  std::size_t from = 0;
  while (from <= ns.size()) {
    const auto to = std::min(ns.find('.', from), ns.size());
    const auto segment = ns.substr(from, to - from);
    constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (segment.empty() || segment.find_first_not_of(kAllowed) != std::string_view::npos) return false;
    from = to + 1;
  }
  return true;
}

std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    std::size_t size = 1;
    while (size < text.size() && static_cast<unsigned char>(text[size]) >> 6 == 2) ++size;
    out.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

// matches[g][k]: glob from code point g on matches key from code point k on. Filled from the ends.
bool matches_by_table(std::string_view glob, std::string_view key) {
  const auto g = code_points(glob);
  const auto k = code_points(key);
  std::vector<std::vector<bool>> table(g.size() + 1, std::vector<bool>(k.size() + 1, false));
  table[g.size()][k.size()] = true;
  for (std::size_t i = g.size(); i-- > 0;) {
    for (std::size_t j = k.size() + 1; j-- > 0;) {
      const bool more = j < k.size();
      if (g[i] == "*") {
        std::size_t end = i;
        while (end < g.size() && g[end] == "*") ++end;
        const bool any = end - i > 1;  // a run of stars is entered at its first
        table[i][j] = table[end][j] || (more && (any || k[j] != "/") && table[i][j + 1]);
      } else if (g[i] == "?") {
        table[i][j] = more && k[j] != "/" && table[i + 1][j + 1];
      } else if (g[i] == "\\") {
        table[i][j] = more && i + 1 < g.size() && g[i + 1] == k[j] && table[i + 2][j + 1];
      } else {
        table[i][j] = more && g[i] == k[j] && table[i + 1][j + 1];
      }
    }
  }
  return table[0][0];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  FUZZ_CHECK(is_utf8(bytes) == utf8_by_decoding(bytes));
  FUZZ_CHECK(is_namespace(bytes) == namespace_by_segments(bytes));
  FUZZ_CHECK(is_namespace(bytes) == validate_namespace(bytes, "ns").has_value());
  FUZZ_CHECK(is_key(bytes) == validate_key(bytes, "key").has_value());
  bool plain = is_utf8(bytes);
  for (const char c : bytes) plain = plain && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  FUZZ_CHECK(is_key(bytes) == (plain && !bytes.empty() && bytes.size() <= 255));
  if (is_namespace(bytes)) FUZZ_CHECK(is_key(bytes) && is_under(bytes, bytes));

  const auto split = bytes.find('\n');
  if (split == std::string_view::npos) return 0;
  const auto glob = bytes.substr(0, split);
  const auto key = bytes.substr(split + 1);
  const bool matches = glob_matches(glob, key);
  if (!validate_glob(glob, "glob")) return 0;
  constexpr std::size_t kTableBytes = 64;  // the table costs glob times key; longer ones are only run
  if (glob.size() > kTableBytes || key.size() > kTableBytes) return 0;
  if (is_utf8(key)) FUZZ_CHECK(matches == matches_by_table(glob, key));
  return 0;
}

// Links between the versions of a key, and disk keys' order.
#include "broker/store/version_links.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <tuple>

#include "broker/store/disk_keys.hpp"

namespace prismbus {
namespace {

// Version d was written at revision 10 d.
Revision rev_of(std::uint64_t ordinal) {
  return Revision(ordinal * 10);
}

}  // namespace

TEST_CASE("each version links to the last one whose number is a multiple of each power of four") {
  std::vector<VersionLinks> versions{{}};
  for (std::uint64_t d = 1; d <= 3000; ++d) {
    versions.push_back(links_after(versions.back(), rev_of(d - 1)));
    const VersionLinks& links = versions.back();
    REQUIRE(links.ordinal == d);
    std::vector<Revision> wanted;
    for (std::uint64_t span = 1; span <= d - 1; span *= 4) wanted.push_back(rev_of((d - 1) / span * span));
    REQUIRE(links.levels == wanted);
    REQUIRE(link_levels(d) == wanted.size());
  }
  CHECK(versions[23].levels == std::vector<Revision>{rev_of(22), rev_of(20), rev_of(16)});

  // From the newest, the newest version at or before any revision is few steps away.
  for (std::uint64_t target = 10; target <= 30'000; target += 7) {
    std::uint64_t at = 3000;
    int steps = 0;
    while (rev_of(at) > Revision(target)) {
      const auto& levels = versions[at].levels;
      REQUIRE_FALSE(levels.empty());
      Revision next = levels[0];
      for (const Revision rev : levels) {
        if (rev > Revision(target)) next = rev;  // the longest that is still too new, else level 0
      }
      at = next.value() / 10;
      ++steps;
    }
    REQUIRE(at == target / 10);
    REQUIRE(steps <= 24);
  }
}

TEST_CASE("links hold for the largest number of versions") {
  VersionLinks links;
  links.ordinal = UINT64_MAX - 1;
  links.levels.assign(link_levels(links.ordinal), Revision(1));
  CHECK(links.levels.size() == 32);
  const VersionLinks next = links_after(links, Revision(2));
  CHECK(next.levels.size() == link_levels(next.ordinal));
}

TEST_CASE("disk keys sort as (namespace, key), (revision, namespace, key) and (namespace, seq), and decode") {
  DiskKey key;
  using Name = std::tuple<std::string, std::string, std::uint64_t>;
  std::vector<Name> names;
  for (const char* ns : {"a", "a-b", "a.b", "a0", "ab", "z"}) {
    for (const char* k : {"!", "a", "a!", "a\xc3\xa4", "b"}) {
      for (const std::uint64_t rev : {1ULL, 255ULL, 256ULL, 1ULL << 40}) names.emplace_back(ns, k, rev);
    }
  }
  std::string last;
  std::sort(names.begin(), names.end());
  for (const auto& [ns, k, rev] : names) {
    const std::string head(key.head(ns, k));
    CHECK((last.empty() || last <= head));
    last = head;
    CHECK(decode_head_key(head)->ns == ns);
    CHECK(decode_head_key(head)->key == k);
  }
  last.clear();
  std::sort(names.begin(), names.end(), [](const Name& a, const Name& b) {
    return std::tie(std::get<2>(a), std::get<0>(a), std::get<1>(a)) <
           std::tie(std::get<2>(b), std::get<0>(b), std::get<1>(b));
  });
  for (const auto& [ns, k, rev] : names) {
    const std::string history(key.history(Revision(rev), ns, k));
    CHECK((last.empty() || last < history));
    last = history;
    const auto back = decode_history_key(history);
    REQUIRE(back);
    CHECK((back->ns == ns && back->key == k && back->rev == Revision(rev)));
  }
  const std::string set(key.changeset("a.b", Seq(0x2f2e)));
  CHECK(decode_changeset_key(set)->ns == "a.b");
  CHECK(decode_changeset_key(set)->seq == Seq(0x2f2e));
  const std::string session(key.session_outcomes("alice", std::string_view("\0\1\2\3\0\0\0\0", 8)));
  CHECK(decode_session_key(session)->by == "alice");
  CHECK(decode_session_key(session)->session.size() == 8);
  CHECK_FALSE(decode_session_key(session)->is_header);
  CHECK_FALSE(decode_log_key("1234567"));
  CHECK_FALSE(decode_session_key("x"));
  CHECK_FALSE(decode_head_key("no separator"));
}

}  // namespace prismbus

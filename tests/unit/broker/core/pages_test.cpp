#include "broker/core/pages.hpp"

#include "broker/core/cursor_token.hpp"

#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

using testing::Hall;
using Names = std::vector<std::string>;

// Everything may be read.
template <class Request,
          std::string (*Page)(const ReadView&, const codec::ReplyHead&, const Request&, const Access&)>
std::string open_page(const ReadView& view, const codec::ReplyHead& head, const Request& request) {
  return Page(view, head, request, *Access::everything());
}
constexpr auto kList = &open_page<ListRequest, &answer_list>;
constexpr auto kNamespaces = &open_page<NamespacesRequest, &answer_namespaces>;
std::string answer_changes_noting_nothing(const ReadView& view, const codec::ReplyHead& head,
                                          const ChangesRequest& request, const Access& access) {
  std::vector<std::string> refused;
  std::uint64_t compacted = 0;
  return answer_changes(view, head, request, access, refused, compacted);
}
constexpr auto kChanges = &open_page<ChangesRequest, &answer_changes_noting_nothing>;

std::string answer_snapshot_uncached(const ReadView& view, const codec::ReplyHead& head,
                                     const SnapshotRequest& request) {
  return answer_snapshot(view, head, request, *Access::everything(), nullptr);
}

// A hall with a reader of its own; answers are decoded.
struct Desk : Hall {
  StateReader view_state{store.state};
  JournalReader view_journal{store.journal};

  template <class Request>
  std::string answer(std::string (*page)(const ReadView&, const codec::ReplyHead&, const Request&),
                     const Request& request) {
    const ReadView view(recent.snapshot(), view_state, view_journal);
    payload = page(view, {{false, 1}, store.journal.meta().epoch, view.rev()}, request);
    return payload;
  }
  template <class Reply, class Request>
  Reply ask(std::string (*page)(const ReadView&, const codec::ReplyHead&, const Request&),
            Result<Reply> (*decode)(const ReplyHeader&), const Request& request) {
    answer(page, request);
    const auto header = codec::decode_reply(payload);
    REQUIRE(header.has_value());
    INFO((header->error ? header->error->message : std::string()));
    REQUIRE_FALSE(header->error);
    auto reply = decode(*header);
    REQUIRE(reply.has_value());
    return std::move(*reply);
  }
  template <class Request>
  Error refused(std::string (*page)(const ReadView&, const codec::ReplyHead&, const Request&),
                const Request& request) {
    answer(page, request);
    const auto header = codec::decode_reply(payload);
    REQUIRE(header->error);
    return *header->error;
  }
  EntriesReply list(const ListRequest& request) { return ask(kList, &codec::decode_entries_reply, request); }
  SnapshotReply snapshot(const SnapshotRequest& request) {
    return ask(&answer_snapshot_uncached, &codec::decode_snapshot_reply, request);
  }
  ChangesReply changes(const ChangesRequest& request) {
    return ask(kChanges, &codec::decode_changes_reply, request);
  }
  // Every page of a list, one entry each; the names "ns key".
  Names list_by_one(ListRequest request) {
    Names names;
    request.page.limit = 1;
    std::optional<std::string> after;
    do {
      if (after) request.page.after = *after;
      const EntriesReply page = list(request);
      REQUIRE(page.entries.size() <= 1);
      REQUIRE(page.more == page.after.has_value());
      for (const auto& entry : page.entries) names.push_back(entry->ns + " " + entry->key);
      after = page.after;
    } while (after);
    return names;
  }
  std::string payload;
};

ListRequest listing(std::string_view ns, bool subtree = false) {
  ListRequest request;
  request.ns = ns;
  request.subtree = subtree;
  return request;
}

}  // namespace

TEST_CASE("a list pages one entry at a time over state and recent, deletions left out") {
  Desk desk;
  const std::string longest(255, 'k');
  for (const char* key : {"a", "b", "c"}) desk.put("n", key);
  desk.put("n", longest);
  desk.fold();
  desk.put("n", "b2");
  desk.del("n", "b");
  desk.put("n-", "x");
  CHECK(desk.list_by_one(listing("n")) == Names{"n a", "n b2", "n c", "n " + longest});
  CHECK(desk.list_by_one(listing("none")).empty());
}

TEST_CASE("a subtree is the namespace and all below it, in byte order, not its neighbours") {
  Desk desk;
  for (const char* ns : {"a", "a-b", "a.b", "a.b.c", "ab", "a.c"}) desk.put(ns, "k");
  CHECK(desk.list_by_one(listing("a", true)) == Names{"a k", "a.b k", "a.b.c k", "a.c k"});
  CHECK(desk.list_by_one(listing("a.b", true)) == Names{"a.b k", "a.b.c k"});
}

TEST_CASE("a list goes on behind the longest namespace (no name is longer)") {
  Desk desk;
  const std::string longest = "n." + std::string(118, 'n');
  desk.put("n", "k");
  desk.put(longest, "k");
  desk.put(longest, "l");
  CHECK(desk.list_by_one(listing("n", true)).size() == 3);
  CHECK(desk.list_by_one(listing(longest, true)).size() == 2);
  NamespacesRequest request;
  request.under = longest;
  CHECK(desk.ask(kNamespaces, &codec::decode_namespaces_reply, request).namespaces.size() == 1);
}

TEST_CASE("prefix, glob and values choose what a list shows") {
  Desk desk;
  for (const char* key : {"a", "pre", "pre/x", "pre/x/y", "pri"}) desk.put("n", key);
  ListRequest request = listing("n");
  request.prefix = "pre";
  CHECK(desk.list_by_one(request) == Names{"n pre", "n pre/x", "n pre/x/y"});
  request.glob = "pre/*";
  CHECK(desk.list_by_one(request) == Names{"n pre/x"});
  request.prefix.reset();
  request.glob = "pr?";
  request.values = false;
  CHECK(desk.list_by_one(request) == Names{"n pre", "n pri"});
  const auto header = codec::decode_reply(desk.payload);
  CHECK(codec::decode_entries_reply(*header)->entries[0]->value.empty());
}

TEST_CASE("a page ends after 10,000 keys visited, even empty, and the next one goes on") {
  Desk desk;
  std::vector<Hall::Do> items;
  std::vector<std::string> keys;
  for (int i = 0; i < 10'500; ++i) keys.push_back("key" + std::to_string(100'000 + i));
  for (std::size_t i = 0; i < keys.size(); i += 500) {
    items.clear();
    for (std::size_t n = i; n < i + 500; ++n) items.push_back({ChangeOp::put, "n", keys[n], "\xc0"});
    desk.apply(items);
  }
  ListRequest request = listing("n");
  request.glob = "none";
  const EntriesReply first = desk.list(request);
  CHECK(first.entries.empty());
  REQUIRE(first.more);
  request.page.after = *first.after;
  CHECK_FALSE(desk.list(request).more);

  // A snapshot of nothing but deletions moves on, and names the namespace once.
  for (std::size_t i = 0; i < keys.size(); i += 500) {
    items.clear();
    for (std::size_t n = i; n < i + 500; ++n) items.push_back({ChangeOp::del, "n", keys[n], {}});
    desk.apply(items);
  }
  desk.put("n", "a");
  desk.put("n", "z");
  SnapshotRequest snapshot;
  snapshot.ns = "n";
  std::optional<std::string> after;
  Names entries;
  std::size_t heads = 0, chunks = 0;
  do {
    REQUIRE(++chunks < 5);
    if (after) snapshot.after = *after;
    const SnapshotReply chunk = desk.snapshot(snapshot);
    for (const Entry& entry : chunk.entries) entries.push_back(entry.key);
    heads += chunk.heads.size();
    after = chunk.after;
  } while (after);
  CHECK(entries == Names{"a", "z"});
  CHECK(heads == 1);
  CHECK(chunks == 2);
}

TEST_CASE("mget answers in the order asked, nil for what is not there, page by page") {
  Desk desk;
  desk.put("n", "a");
  desk.fold();
  desk.put("n", "b");
  MGetRequest request;
  request.ns = "n";
  request.keys = {"b", "none", "a", "b"};
  request.page.limit = 3;
  const auto first = desk.ask(&answer_mget, &codec::decode_entries_reply, request);
  REQUIRE(first.entries.size() == 3);
  CHECK(first.entries[0]->key == "b");
  CHECK_FALSE(first.entries[1]);
  CHECK(first.entries[2]->key == "a");
  REQUIRE(first.more);
  request.page.after = *first.after;
  const auto second = desk.ask(&answer_mget, &codec::decode_entries_reply, request);
  REQUIRE(second.entries.size() == 1);
  CHECK(second.entries[0]->key == "b");
  CHECK_FALSE(second.more);
}

TEST_CASE("namespaces pages one at a time, the broker's own left out of the whole") {
  Desk desk;
  for (const char* ns : {"b", "a.b", "a", "_own", "z", "a-b"}) desk.put(ns, "k", "\xa2vv");
  desk.fold();
  desk.del("b", "k");
  Names names;
  NamespacesRequest request;
  request.page.limit = 1;
  std::optional<std::string> after;
  do {
    if (after) request.page.after = *after;
    const auto page = desk.ask(kNamespaces, &codec::decode_namespaces_reply, request);
    for (const NamespaceRow& row : page.namespaces) {
      names.push_back(row.ns);
      CHECK(row.keys == (row.ns == "b" ? 0 : 1));
      CHECK(row.bytes == (row.ns == "b" ? 0 : 4));
      CHECK(row.head.seq == Seq(row.ns == "b" ? 2 : 1));
    }
    after = page.after;
  } while (after);
  CHECK(names == Names{"a", "a-b", "a.b", "b", "z"});
  NamespacesRequest own;
  own.under = "_own";
  CHECK(desk.ask(kNamespaces, &codec::decode_namespaces_reply, own).namespaces.size() == 1);
}

TEST_CASE("a snapshot gives a head only with its namespace's first key, and names empty namespaces") {
  Desk desk;
  for (const char* key : {"1", "2", "3"}) desk.put("a", key);
  desk.put("a.empty", "k");
  desk.del("a.empty", "k");
  desk.put("a.z", "k");
  SnapshotRequest request;
  request.under = "a";
  request.max_bytes = 1;
  std::vector<std::string> chunks;
  std::optional<std::string> after;
  do {
    if (after) request.after = *after;
    const SnapshotReply chunk = desk.snapshot(request);
    std::string line;
    for (const auto& [ns, head] : chunk.heads) line += ns + "@" + std::to_string(head.seq.value()) + " ";
    for (const Entry& entry : chunk.entries) line += entry.key;
    chunks.push_back(line);
    if (chunks.size() == 1) desk.put("a", "4");  // written while the chunks are read
    after = chunk.after;
  } while (after);
  CHECK(chunks == std::vector<std::string>{"a@3 1", "2", "3", "4", "a.empty@2 a.z@1 k"});
  SnapshotRequest exact;
  exact.ns = "never";
  const SnapshotReply never = desk.snapshot(exact);
  REQUIRE(never.heads.size() == 1);
  CHECK(never.heads[0].second == Head{});
}

TEST_CASE("changes since seqs come in order, heads with the last set, failures beside them") {
  Desk desk;
  for (int i = 0; i < 3; ++i) desk.put("a", "k");
  desk.fold();
  desk.put("b", "k");
  desk.put("a", "k");
  ChangesRequest request;
  request.since = {{"b", Seq(0)}, {"a", Seq(2)}, {"c", Seq(7)}, {"never", Seq(0)}};
  request.page.limit = 2;
  const ChangesReply first = desk.changes(request);
  REQUIRE(first.sets.size() == 2);
  CHECK(first.sets[0].second.seq == Seq(3));
  CHECK(first.sets[1].second.seq == Seq(4));
  REQUIRE(first.heads.size() == 1);
  CHECK(first.heads[0].first == "a");
  REQUIRE(first.more);
  request.page.after = *first.after;
  const ChangesReply second = desk.changes(request);
  CHECK(second.sets.size() == 1);
  CHECK(second.sets[0].first == "b");
  REQUIRE(second.failed.size() == 1);
  CHECK(second.failed[0].first == "c");
  CHECK(second.failed[0].second.code == ErrorCode::other_history);
  CHECK(second.heads.size() == 2);
  CHECK_FALSE(second.more);

  ChangesRequest failing;
  failing.since = {{"a", Seq(9)}, {"c", Seq(1)}};
  const Error error = desk.refused(kChanges, failing);
  CHECK(error.code == ErrorCode::other_history);
  CHECK(error.ns == "a");
}

TEST_CASE("changes under a subtree come by revision, a transaction never split (I11)") {
  Desk desk;
  desk.put("a", "k");
  desk.apply({{ChangeOp::put, "a.b", "k", "\xc0"},
              {ChangeOp::put, "a", "k", "\xc0"},
              {ChangeOp::put, "z", "k", "\xc0"}});
  desk.fold();
  desk.put("z", "k");
  desk.put("a.b", "k");
  ChangesRequest request;
  request.under = "a";
  request.page.limit = 2;
  const ChangesReply first = desk.changes(request);
  REQUIRE(first.sets.size() == 3);
  CHECK(first.sets[1].first == "a");
  CHECK(first.sets[2].first == "a.b");
  CHECK(first.heads.size() == 2);
  REQUIRE(first.more);
  request.page.after = *first.after;
  const ChangesReply second = desk.changes(request);
  REQUIRE(second.sets.size() == 1);
  CHECK(second.sets[0].second.rev == Revision(4));
  CHECK_FALSE(second.more);
}

TEST_CASE("a cursor of another op is refused by every page") {
  Desk desk;
  desk.put("a", "k");
  const std::string other =
      encode_cursor({CursorKind::list, desk.store.journal.meta().epoch, Revision(1), 0, "a", "k"});
  MGetRequest mget{"a", {"k"}, {other, {}}, {}};
  CHECK(desk.refused(&answer_mget, mget).field == "after");
  NamespacesRequest names{"", {other, {}}};
  CHECK(desk.refused(kNamespaces, names).field == "after");
  SnapshotRequest snapshot;
  snapshot.under = "";
  snapshot.after = other;
  CHECK(desk.refused(&answer_snapshot_uncached, snapshot).field == "after");
  ChangesRequest changes;
  changes.under = "";
  changes.page.after = other;
  CHECK(desk.refused(kChanges, changes).field == "after");
  ListRequest list = listing("a");
  list.page.after = "garbage";
  CHECK(desk.refused(kList, list).field == "after");
}

}  // namespace prismbus

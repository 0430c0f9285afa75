#include "tests/model/whole.hpp"

#include <algorithm>

#include "tests/model/reads.hpp"
#include "tests/model/stream_check.hpp"

namespace prismbus::model {
namespace {

// Every page of it: `make` builds the request, `take` judges a reply and answers its cursor.
template <class Body, class Take>
void ask_all(World& world, Body body, Take take) {
  for (std::optional<std::string> cursor;;) {
    if (cursor) body.page.after = *cursor;
    std::optional<std::string> next;
    world.ask_aside({{false, 1}, {}, world.epoch, body}, [&](const ReplyHeader& header) {
      if (header.error) throw Violation("what a broker holds can be read, but: " + header.error->message);
      demand(header.epoch == world.epoch && header.rev.value() == world.model.last(),
             "a broker that starts goes on where its store ends");
      next = take(header);
    });
    if (!(cursor = next)) return;
  }
}

void check_namespaces(World& world) {
  const std::uint64_t rev = world.model.last();
  const auto expected = world.model.namespaces(rev);
  std::size_t given = 0;
  ask_all(world, NamespacesRequest{"", {}}, [&](const ReplyHeader& header) {
    const auto page = codec::decode_namespaces_reply(header);
    demand(page.has_value(), "a list of namespaces is well-formed");
    for (const NamespaceRow& row : page->namespaces) {
      demand(given < expected.size() && row.ns == expected[given], "every namespace, in order");
      const HeadAt head = *world.model.head(expected[given++], rev);
      demand_head(row.head, head);
      demand(row.keys == head.keys && row.bytes == head.bytes, "a namespace's counters");
    }
    return page->after;
  });
  demand(given == expected.size(), "no namespace is left out");
}

void check_entries(World& world, const std::string& ns) {
  const auto expected = world.model.entries(
      world.model.last(), [&ns](const std::string& name, const std::string&) { return name == ns; });
  std::size_t given = 0;
  ListRequest request;
  request.ns = ns;
  ask_all(world, request, [&](const ReplyHeader& header) {
    const auto page = codec::decode_entries_reply(header);
    demand(page.has_value(), "a list is well-formed");
    for (const auto& entry : page->entries) {
      demand(entry && given < expected.size(), "nothing is there that was not");
      demand_entry(*entry, expected[given]);
      demand(entry->value == expected[given++].version->value, "a value byte for byte");
    }
    return page->after;
  });
  demand(given == expected.size(), "no entry is left out");
}

void check_sets(World& world, std::uint64_t floor) {
  std::map<std::uint64_t, std::vector<NamedSet>> by_rev;
  ChangesRequest request;
  request.under = "";
  request.since_rev = Revision(floor);
  ask_all(world, std::move(request), [&](const ReplyHeader& header) {
    auto page = codec::decode_changes_reply(header);
    demand(page.has_value(), "changes above the floor are there");
    for (auto& set : page->sets) by_rev[set.second.rev.value()].push_back(std::move(set));
    return page->after;
  });
  demand(by_rev.size() == world.model.last() - floor, "no transaction above the floor is left out");
  for (const auto& [rev, sets] : by_rev) demand_sets(world, rev, sets);
}

void check_history(World& world, std::uint64_t floor, const std::string& ns, const std::string& key) {
  std::vector<Version> expected = *world.model.versions(ns, key);
  std::reverse(expected.begin(), expected.end());
  std::size_t given = 0;
  ask_all(world, HistoryRequest{ns, key, {}, {}}, [&](const ReplyHeader& header) {
    const auto page = codec::decode_history_reply(header);
    demand(page.has_value(), "a history is well-formed");
    for (const KeyVersion& version : page->versions) {
      demand(given < expected.size(), "a history holds nothing that did not happen");
      const Version& wanted = expected[given++];
      demand(version.rev.value() == wanted.rev && (version.op == ChangeOp::put) == wanted.put &&
                 version.version == wanted.version && to_micros(version.time) == wanted.time &&
                 version.value == (wanted.put ? wanted.value : std::string()),
             "a version is what was written");
      demand(version.note == wanted.note || (!version.note && wanted.rev <= floor),
             "a version above the floor carries its note");
    }
    return page->after;
  });
  demand(given == expected.size() || expected[given].rev <= floor, "no version above the floor is left out");
}

}  // namespace

void check_whole(World& world) {
  const Store& store = world.broker->store;
  const std::uint64_t floor = std::max(store.journal.meta().floor, store.state.meta().floor).value();
  check_namespaces(world);
  check_sets(world, floor);
  for (const std::string& ns : world.model.namespaces(world.model.last())) {
    check_entries(world, ns);
    for (const std::string& key : world.model.keys_of(ns)) check_history(world, floor, ns, key);
  }
}

}  // namespace prismbus::model

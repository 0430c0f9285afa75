#include "tests/model/reads.hpp"

#include <algorithm>

#include "proto/wire/codec/request.hpp"
#include "tests/model/writes.hpp"

namespace prismbus::model {

struct Reads::List {
  std::string ns;
  bool subtree = false, values = true;
  std::optional<std::string> prefix, glob;
  std::optional<std::uint64_t> limit;
  std::optional<std::string> cursor;
  Past past{};
  std::pair<std::string, std::string> last;  // (ns, key) of the last entry given
  [[nodiscard]] bool wants(const std::string& n, const std::string& key) const {
    if (subtree ? !covers(ns, n) : n != ns) return false;
    if (prefix && key.compare(0, prefix->size(), *prefix) != 0) return false;
    return !glob || model::glob(*glob, key);
  }
};
struct Reads::MGet {
  std::string ns;
  std::vector<std::string> keys;
  std::optional<std::uint64_t> limit;
  std::optional<std::string> cursor;
  Past past{};
  std::size_t given = 0;
};
struct Reads::Names {
  std::string under, last;
  std::optional<std::uint64_t> limit;
  std::optional<std::string> cursor;
};

void demand_entry(const Entry& entry, const LiveEntry& expected) {
  const Version& version = *expected.version;
  demand(entry.ns == expected.ns && entry.key == expected.key, "entries in (ns, key) order");
  demand(entry.rev.value() == version.rev && entry.created.value() == version.created,
         "an entry's revisions");
  demand(entry.version == version.version, "an entry's version");
  demand(to_micros(entry.time) == version.time && entry.by == "anonymous", "an entry tells when and by whom");
}

void demand_head(const Head& head, const HeadAt& expected) {
  demand(head.seq.value() == expected.seq && head.rev.value() == expected.rev, "a head's seq and revision");
  demand(to_micros(head.time) == expected.time && head.lane == Lane::changes, "a head's time and lane");
  demand(head.hash == expected.hash, "a head's hash of the content");
}

std::optional<std::uint64_t> Reads::random_limit() {
  if (world_.chance(3)) return std::nullopt;
  return 1 + world_.pick(3);
}

std::optional<Revision> Reads::random_min_rev(Ask& ask) {
  if (!world_.chance(4)) return std::nullopt;
  ask.waits_for = world_.model.last() + world_.pick(4);
  return Revision(ask.waits_for);
}

Ask Reads::ask_for(const char* what, Ask::Check check) {
  Ask ask;
  ask.what = what;
  ask.check = [this, check = std::move(check)](const Ask& asked, const ReplyHeader& reply) {
    if (reply.error) {
      const ErrorCode code = reply.error->code;
      if (code == ErrorCode::compacted) {
        return demand(world_.may_be_gone(reply.error->floor.value_or(UINT64_MAX)),
                      "compacted names a floor that retention may have reached");
      }
      return demand(code == ErrorCode::other_history || code == ErrorCode::unavailable ||
                        code == ErrorCode::overloaded || code == ErrorCode::not_found ||
                        code == ErrorCode::internal,
                    "a read is refused only for want of room or time");
    }
    ++pages_;
    check(asked, reply);
  };
  return ask;
}

void Reads::send_get() {
  const std::string ns = random_namespace(world_), key = random_key(world_);
  Ask ask;
  GetRequest get{ns, key, {}};
  get.read.min_rev = random_min_rev(ask);
  const std::uint64_t waits_for = ask.waits_for;
  ask = {};
  ask.what = "get";
  ask.waits_for = waits_for;
  const auto past = std::make_shared<Past>(random_past());
  ask_of(*past, get.read, ask);
  ask.check = [this, ns, key, past](const Ask& asked, const ReplyHeader& reply) {
    if (reply.error && reply.error->code != ErrorCode::not_found) return;
    const Version* found = world_.model.find(ns, key, revision_read(*past, reply));
    if (reply.error) {
      demand(found == nullptr && reply.rev.value() >= asked.last_when_sent,
             "not_found is true at its revision");
      return demand(reply.rev.value() >= asked.waits_for, "not_found waits for its revision too");
    }
    const auto entry = codec::decode_entry_reply(reply);
    demand(entry && found != nullptr, "get finds what is there");
    demand_entry(*entry, {ns, key, found});
    demand(entry->value == found->value, "a value byte for byte");
  };
  world_.send({{}, {}, {}, get}, std::move(ask));
}

void Reads::send_list(std::shared_ptr<List> list) {
  Ask ask = ask_for("list", [this, list](const Ask&, const ReplyHeader& header) {
    const auto reply = codec::decode_entries_reply(header);
    demand(reply.has_value(), "a list is well-formed");
    check_list(*list, *reply, revision_read(list->past, header));
    go_on(list, *reply, &Reads::send_list);
  });
  ListRequest request{list->ns, list->subtree, list->values, {}, {}, {}, {}};
  if (list->prefix) request.prefix = *list->prefix;
  if (list->glob) request.glob = *list->glob;
  if (list->cursor) request.page.after = *list->cursor;
  request.page.limit = list->limit;
  request.read.min_rev = random_min_rev(ask);
  ask_of(list->past, request.read, ask);
  world_.send({{}, {}, {}, std::move(request)}, std::move(ask));
}

void Reads::check_list(List& list, const EntriesReply& reply, std::uint64_t rev) {
  const auto expected = world_.model.entries(rev, [&list](const std::string& ns, const std::string& key) {
    return list.wants(ns, key) && std::pair(ns, key) > list.last;
  });
  demand(reply.entries.size() <= expected.size(), "a page holds nothing that is not there");
  if (!reply.more) demand(reply.entries.size() == expected.size(), "the last page ends with the last entry");
  if (reply.more && list.limit) demand(reply.entries.size() == *list.limit, "a page is full before it ends");
  for (std::size_t i = 0; i < reply.entries.size(); ++i) {
    demand(reply.entries[i].has_value(), "a list has no holes");
    demand_entry(*reply.entries[i], expected[i]);
    demand(reply.entries[i]->value == (list.values ? expected[i].version->value : std::string()),
           "a value byte for byte, or none when none was asked for");
    list.last = {expected[i].ns, expected[i].key};
  }
}

void Reads::send_mget(std::shared_ptr<MGet> mget) {
  Ask ask = ask_for("mget", [this, mget](const Ask&, const ReplyHeader& header) {
    const auto reply = codec::decode_entries_reply(header);
    demand(reply.has_value(), "an mget is well-formed");
    const std::uint64_t rev = revision_read(mget->past, header);
    const std::size_t left = mget->keys.size() - mget->given;
    const std::size_t fits = mget->limit ? std::min<std::size_t>(left, *mget->limit) : left;
    demand(reply->entries.size() == fits && reply->more == (fits < left), "a page holds what was asked for");
    for (const auto& entry : reply->entries) {
      const std::string& key = mget->keys[mget->given++];
      const Version* found = world_.model.find(mget->ns, key, rev);
      demand(entry.has_value() == (found != nullptr), "mget finds what is there, in the order asked");
      if (!entry) continue;
      demand_entry(*entry, {mget->ns, key, found});
      demand(entry->value == found->value, "a value byte for byte");
    }
    go_on(mget, *reply, &Reads::send_mget);
  });
  MGetRequest request{mget->ns, {mget->keys.begin(), mget->keys.end()}, {}, {}};
  if (mget->cursor) request.page.after = *mget->cursor;
  request.page.limit = mget->limit;
  request.read.min_rev = random_min_rev(ask);
  ask_of(mget->past, request.read, ask);
  world_.send({{}, {}, {}, std::move(request)}, std::move(ask));
}

void Reads::send_namespaces(std::shared_ptr<Names> names) {
  Ask ask = ask_for("namespaces", [this, names](const Ask&, const ReplyHeader& header) {
    const auto reply = codec::decode_namespaces_reply(header);
    demand(reply.has_value(), "a list of namespaces is well-formed");
    std::vector<std::string> expected;
    for (const std::string& ns : world_.model.namespaces(header.rev.value())) {
      if (covers(names->under, ns) && ns > names->last) expected.push_back(ns);
    }
    demand(reply->namespaces.size() <= expected.size(), "no namespace that is not there");
    if (!reply->more)
      demand(reply->namespaces.size() == expected.size(), "the last page ends with the last one");
    if (reply->more && names->limit)
      demand(reply->namespaces.size() == *names->limit, "a page is full before it ends");
    for (std::size_t i = 0; i < reply->namespaces.size(); ++i) {
      const NamespaceRow& row = reply->namespaces[i];
      const HeadAt head = *world_.model.head(expected[i], header.rev.value());
      demand(row.ns == expected[i], "namespaces in order");
      demand_head(row.head, head);
      demand(row.keys == head.keys && row.bytes == head.bytes, "a namespace's counters");
      names->last = row.ns;
    }
    go_on(names, *reply, &Reads::send_namespaces);
  });
  NamespacesRequest request{names->under, {}};
  if (names->cursor) request.page.after = *names->cursor;
  request.page.limit = names->limit;
  world_.send({{}, {}, {}, request}, std::move(ask));
}

void Reads::send_everything() {
  for (const std::string& ns : world_.model.namespaces(world_.model.last())) {
    auto list = std::make_shared<List>();
    list->ns = ns;
    send_list(std::move(list));
  }
}

void Reads::send_odd() {
  const std::uint64_t dice = world_.pick(3);
  Ask ask;
  ask.what = "odd";
  if (dice == 0) {
    ask.what = "hello";
    ask.check = [this](const Ask&, const ReplyHeader& header) {
      if (header.error) return;
      const auto hello = codec::decode_hello_reply(header);
      demand(hello && hello->protocol == 1 && hello->run == world_.settings.pipeline.run,
             "hello names the run");
    };
    return world_.send({{}, {}, {}, HelloRequest{}}, std::move(ask));
  }
  if (dice == 1) {
    ask.what = "status";
    ask.check = [](const Ask&, const ReplyHeader&) {};
    return world_.send({{}, {}, {}, StatusRequest{}}, std::move(ask));
  }
  ask.check = [](const Ask& asked, const ReplyHeader& header) {
    if (for_another_reason(asked, header)) return;
    demand(header.error && header.error->code == ErrorCode::unsupported && header.error->field,
           "what is not served is `unsupported` with its field");
  };
  ask.alone = true;
  world_.send_raw(
      "\x82\xa2op\xa5"
      "later\xa2ns\xa1"
      "a",
      std::move(ask));
}

bool Reads::for_another_reason(const Ask& asked, const ReplyHeader& header) {
  return header.error && (header.error->code == ErrorCode::unavailable ||
                          (asked.other_epoch && header.error->code == ErrorCode::other_history));
}

void Reads::send_malformed() {
  const std::string ns = random_namespace(world_), key = random_key(world_);
  const Request put{{}, {}, {}, PutRequest{ns, key, "\xa1v", {}, {}}};
  std::string payload = codec::encode_request(put);
  switch (world_.pick(4)) {
    case 0:
      payload.resize(world_.pick(payload.size()));  // also empty
      break;
    case 1:
      payload += '\xc0';
      break;
    case 2:
      payload =
          "\x82\xa2op\xa3put\xa2ns\xa1"
          "a";  // fields are missing
      break;
    default:
      payload[0] = '\xdf';  // a map of four billion
  }
  Ask ask;
  ask.what = "malformed";
  ask.alone = ask.malformed = true;
  ask.check = [](const Ask&, const ReplyHeader&) {};
  world_.send_raw(payload, std::move(ask));
}

void Reads::send_random() {
  const std::uint64_t dice = world_.pick(18);
  if (dice < 5) return send_get();
  if (dice < 7) {
    auto list = std::make_shared<List>();
    list->ns = random_namespace(world_);
    list->subtree = world_.chance(2);
    list->values = !world_.chance(4);
    if (world_.chance(4)) list->prefix = world_.chance(2) ? "k" : "k/";
    if (world_.chance(4)) list->glob = world_.chance(2) ? "k/*" : world_.chance(2) ? "k**" : "?1";
    list->limit = random_limit();
    list->past = random_past();
    return send_list(std::move(list));
  }
  if (dice == 7) {
    auto mget = std::make_shared<MGet>();
    mget->ns = random_namespace(world_);
    for (std::uint64_t n = 1 + world_.pick(5); n > 0; --n) mget->keys.push_back(random_key(world_));
    mget->limit = random_limit();
    mget->past = random_past();
    return send_mget(std::move(mget));
  }
  if (dice == 8) {
    auto names = std::make_shared<Names>();
    if (world_.chance(2)) names->under = random_namespace(world_);
    names->limit = random_limit();
    return send_namespaces(std::move(names));
  }
  if (dice == 9) return send_odd();
  if (dice < 12) return start_since();
  if (dice >= 16) return start_diff();
  if (dice >= 14) return start_history();
  start_under();
}

}  // namespace prismbus::model

// Bodies of the requests that change nothing: hello, get, mget, list, namespaces, snapshot, changes, history,
// diff, keys, backup, audit.
#include <algorithm>

#include "proto/wire/codec/request_parts.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

ReadOptions decode_read_options(MapReader& in) {
  ReadOptions read;
  if (const auto at = in.maybe_uint("at")) read.at = Revision(*at);
  read.at_time = in.maybe_uint("at_time");
  if (const auto min_rev = in.maybe_uint("min_rev")) read.min_rev = Revision(*min_rev);
  if (const auto consistency = in.maybe_text("consistency")) {
    if (*consistency == "local") {
      read.consistency = Consistency::local;
    } else if (*consistency != "linearizable") {
      in.fault().refuse(in.at("consistency"), "is linearizable or local");
    }
  }
  return read;
}

std::optional<std::uint64_t> at_least_one(MapReader& in, Name name) {
  const auto n = in.maybe_uint(name);
  if (n && *n == 0) in.fault().refuse(in.at(name), "must be at least 1");
  return n;
}

// `under`: a namespace, or "" for everything but the broker's own.
std::optional<std::string_view> decode_under(MapReader& in) {
  const auto under = in.maybe_text("under");
  if (under && !under->empty() && !is_namespace(*under)) {
    in.fault().set(validate_namespace(*under, in.at("under").spell()));
  }
  return under;
}

// Text of a client about itself: short, UTF-8, on one line.
std::string_view check_label(std::string_view text, const Place& place, Fault& fault) {
  if (text.size() > limits::kLabelBytes) {
    fault.set(over_limit(place.spell(), "a text too long", limits::kLabelBytes, text.size()));
  } else if (!is_plain_text(text)) {
    fault.refuse(place, "must be UTF-8 without control characters");
  }
  return text;
}

std::string_view maybe_label(MapReader& in, Name name) {
  return check_label(in.maybe_text(name).value_or(std::string_view()), in.at(name), in.fault());
}

void decode_labels(MapReader& client, HelloRequest& hello) {
  if (!client.has("labels")) return;
  const Place place = client.at("labels");
  Fault& fault = client.fault();
  Items labels = client.pairs("labels");
  if (labels.count > limits::kLabels) {
    return fault.set(over_limit(place.spell(), "too many labels", limits::kLabels, labels.count));
  }
  std::vector<std::string_view> names;
  std::string_view name;
  std::string_view encoded;
  for (std::uint32_t i = 0; i < labels.count && fault.ok(); ++i) {
    if (!next_pair(labels, place, fault, name, encoded)) return;
    std::string_view text;
    if (!text_of(encoded, text)) return fault.refuse(place, "must be strings by name");
    hello.labels.emplace_back(check_label(name, place, fault), check_label(text, place, fault));
    names.push_back(name);
  }
  check_unique(std::move(names), place, fault);
}

// An array of namespaces in `follow` or `keys`; of subtrees, "" among them, with `subtrees`.
void decode_names(MapReader& in, Name field, bool subtrees, std::vector<std::string_view>& out) {
  if (!in.has(field)) return;
  Fault& fault = in.fault();
  Items list = in.array(field);
  Place place = in.at(field);
  if (list.count > limits::kFollowNames) {
    return fault.set(over_limit(place.spell(), "too many names", limits::kFollowNames, list.count));
  }
  out.reserve(list.count);
  for (std::uint32_t i = 0; i < list.count; ++i) {
    place.index = i;
    std::string_view name;
    if (!list.items.read_text(name)) return fault.refuse(place, "must be a string");
    if (!(subtrees && name.empty()) && !is_namespace(name))
      return fault.set(validate_namespace(name, place.spell()));
    out.push_back(name);
  }
}

}  // namespace

Page decode_page(MapReader& in) {
  return {in.maybe_cursor("after"), at_least_one(in, "limit")};
}

HelloRequest decode_hello(MapReader& in) {
  HelloRequest hello;
  if (in.has("client")) {
    const Place place = in.at("client");
    MapReader client(in.any("client"), &place, in.fault());
    hello.name = maybe_label(client, "name");
    hello.version = maybe_label(client, "version");
    hello.instance = maybe_label(client, "instance");
    decode_labels(client, hello);
  }
  if (in.has("follow")) {
    const Place place = in.at("follow");
    MapReader follow(in.any("follow"), &place, in.fault());
    decode_names(follow, "ns", false, hello.follow_ns);
    decode_names(follow, "under", true, hello.follow_under);
  }
  return hello;
}

GetRequest decode_get(MapReader& in) {
  GetRequest get;
  get.ns = in.ns("ns");
  get.key = in.key("key");
  get.read = decode_read_options(in);
  return get;
}

MGetRequest decode_mget(MapReader& in) {
  MGetRequest mget;
  Fault& fault = in.fault();
  mget.ns = in.ns("ns");
  Items keys = in.array("keys");
  Place place = in.at("keys");
  if (fault.ok() && keys.count == 0) fault.refuse(place, "names no key");
  if (keys.count > limits::kPageKeys) {
    fault.set(over_limit(place.spell(), "too many keys", limits::kPageKeys, keys.count));
  }
  if (fault.ok()) mget.keys.reserve(keys.count);
  for (std::uint32_t i = 0; i < keys.count && fault.ok(); ++i) {
    place.index = i;
    std::string_view key;
    if (!keys.items.read_text(key)) {
      fault.refuse(place, "must be a string");
    } else if (!is_key(key)) {
      fault.set(validate_key(key, place.spell()));
    }
    mget.keys.push_back(key);
  }
  mget.page = decode_page(in);
  mget.read = decode_read_options(in);
  return mget;
}

ListRequest decode_list(MapReader& in) {
  ListRequest list;
  list.ns = in.ns("ns");
  list.subtree = in.boolean_or("subtree", false);
  list.values = in.boolean_or("values", true);
  list.prefix = in.maybe_text("prefix");
  if (list.prefix && list.prefix->size() > limits::kKeyBytes) {
    in.fault().set(
        over_limit(in.at("prefix").spell(), "longer than any key", limits::kKeyBytes, list.prefix->size()));
  }
  list.glob = in.maybe_text("glob");
  if (list.glob) in.fault().set(validate_glob(*list.glob, "glob"));
  list.page = decode_page(in);
  list.read = decode_read_options(in);
  return list;
}

NamespacesRequest decode_namespaces(MapReader& in) {
  NamespacesRequest namespaces;
  namespaces.under = decode_under(in).value_or(std::string_view());
  namespaces.page = decode_page(in);
  return namespaces;
}

SnapshotRequest decode_snapshot(MapReader& in) {
  SnapshotRequest snapshot;
  if (in.has("ns")) snapshot.ns = in.ns("ns");
  snapshot.under = decode_under(in);
  if (snapshot.ns.has_value() == snapshot.under.has_value()) {
    in.fault().refuse(in.at("ns"), "a snapshot is of `ns` or `under`, of exactly one");
  }
  snapshot.after = in.maybe_cursor("after");
  snapshot.max_bytes = at_least_one(in, "max_bytes");
  return snapshot;
}

ChangesRequest decode_changes(MapReader& in) {
  ChangesRequest changes;
  const bool by_seq = in.has("since");
  const bool by_rev = in.has("under") || in.has("since_rev");
  if (by_seq == by_rev) {
    in.fault().refuse(in.at("since"), "changes are asked by `since` or by `under` with `since_rev`");
  } else if (by_seq) {
    changes.since = decode_seqs(in, "since");
    if (in.fault().ok() && changes.since.empty()) in.fault().refuse(in.at("since"), "names no namespace");
  } else {
    if (!in.has("under")) in.fault().refuse(in.at("under"), "is missing");
    changes.under = decode_under(in);
    changes.since_rev = Revision(in.uint("since_rev"));
  }
  changes.page = decode_page(in);
  return changes;
}

HistoryRequest decode_history(MapReader& in) {
  HistoryRequest history;
  history.ns = in.ns("ns");
  history.key = in.key("key");
  if (const auto before = at_least_one(in, "before")) history.before = Revision(*before);
  history.page = decode_page(in);
  return history;
}

DiffRequest decode_diff(MapReader& in) {
  DiffRequest diff;
  diff.ns = in.ns("ns");
  diff.from = Revision(in.uint("from"));
  diff.to = Revision(in.uint("to"));
  diff.page = decode_page(in);
  return diff;
}

KeysRequest decode_keys(MapReader& in) {
  KeysRequest keys;
  decode_names(in, "ns", false, keys.ns);
  decode_names(in, "under", true, keys.under);
  keys.period = in.maybe_uint("period");
  keys.page = decode_page(in);
  return keys;
}

BackupRequest decode_backup(MapReader& in) {
  BackupRequest backup{in.text("name")};
  if (in.fault().ok()) in.fault().set(validate_backup_name(backup.name, "name"));
  return backup;
}

AuditRequest decode_audit(MapReader& in) {
  AuditRequest audit;
  if (in.has("ns")) audit.ns = in.ns("ns");
  audit.by = in.maybe_text("by");
  if (audit.by && audit.by->size() > limits::kPrincipalBytes) {
    in.fault().set(over_limit(in.at("by").spell(), "longer than any principal", limits::kPrincipalBytes,
                              audit.by->size()));
  }
  audit.since = in.maybe_uint("since");
  audit.page = decode_page(in);
  return audit;
}

}  // namespace prismbus::codec

// The clients' side of requests. Optional fields are written only when they say something.
#include <variant>

#include "proto/base/assert.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/codec/writer.hpp"

namespace prismbus::codec {
namespace {

// The fields of one request, counted as they are written; the map header before them holds up to kFixMap.
class FieldList {
 public:
  explicit FieldList(std::string& out) : out_(out), start_(out.size()), writer_(out) {
    out_.push_back(kFixMapByte);
  }

  template <class T>
  void add(std::string_view name, T v) {
    writer_.field(name, v);
    ++count_;
  }
  template <class T>
  void add_if(std::string_view name, const std::optional<T>& v) {
    if (v) add(name, *v);
  }
  void add_if(std::string_view name, const std::optional<Revision>& v) {
    if (v) add(name, v->value());
  }
  void add_cursor(const std::optional<std::string_view>& after) {
    if (!after) return;
    open("after").bin(*after);
  }
  Writer& open(std::string_view name) {  // the caller writes the value
    writer_.text(name);
    ++count_;
    return writer_;
  }
  void add_raw(std::string_view name, std::string_view encoded) { open(name).raw(encoded); }
  void finish() {
    PRISMBUS_ASSERT(count_ <= kFixMap, "no request of version 1 has more fields");
    out_[start_] = static_cast<char>(static_cast<unsigned char>(kFixMapByte) | count_);
  }

 private:
  static constexpr char kFixMapByte = static_cast<char>(0x80);  // a map of 0; 15 fields at most
  static constexpr unsigned kFixMap = 15;

  std::string& out_;
  std::size_t start_;
  Writer writer_;
  unsigned count_ = 0;
};

void add(FieldList& out, const ReadOptions& read) {
  out.add_if("at", read.at);
  out.add_if("at_time", read.at_time);
  out.add_if("min_rev", read.min_rev);
  if (read.consistency == Consistency::local) out.add("consistency", "local");
}

void add(FieldList& out, const Page& page) {
  out.add_cursor(page.after);
  out.add_if("limit", page.limit);
}

void add(FieldList& out, const WriteOptions& write) {
  if (write.session) {
    Writer& req = out.open("req");
    req.array(2);
    req.bin(*write.session);
    req.uint(write.n);
  }
  out.add_if("note", write.note);
}

void add_names(Writer& out, std::string_view field, const std::vector<std::string_view>& names) {
  if (names.empty()) return;
  out.text(field);
  out.array(static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) out.text(name);
}

void add_seqs(Writer& out, const std::vector<std::pair<std::string_view, Seq>>& seqs) {
  out.map(static_cast<std::uint32_t>(seqs.size()));
  for (const auto& [ns, seq] : seqs) out.field(ns, seq.value());
}

std::string_view op_of(const HelloRequest&) {
  return "hello";
}
std::string_view op_of(const GetRequest&) {
  return "get";
}
std::string_view op_of(const MGetRequest&) {
  return "mget";
}
std::string_view op_of(const ListRequest&) {
  return "list";
}
std::string_view op_of(const NamespacesRequest&) {
  return "namespaces";
}
std::string_view op_of(const PutRequest&) {
  return "put";
}
std::string_view op_of(const DeleteRequest&) {
  return "delete";
}
std::string_view op_of(const TxnRequest&) {
  return "txn";
}
std::string_view op_of(const SnapshotRequest&) {
  return "snapshot";
}
std::string_view op_of(const ChangesRequest&) {
  return "changes";
}
std::string_view op_of(const HistoryRequest&) {
  return "history";
}
std::string_view op_of(const DiffRequest&) {
  return "diff";
}
std::string_view op_of(const RollbackRequest&) {
  return "rollback";
}
std::string_view op_of(const AckRequest&) {
  return "ack";
}
std::string_view op_of(const SubscribersRequest&) {
  return "subscribers";
}
std::string_view op_of(const WaitAppliedRequest&) {
  return "wait_applied";
}
std::string_view op_of(const KeysRequest&) {
  return "keys";
}
std::string_view op_of(const BackupRequest&) {
  return "backup";
}
std::string_view op_of(const AuditRequest&) {
  return "audit";
}
std::string_view op_of(const StatusRequest&) {
  return "status";
}
std::string_view op_of(const UnsupportedRequest& r) {
  return r.op;
}

void add(FieldList& out, const HelloRequest& hello) {
  Writer& client = out.open("client");
  client.map(hello.labels.empty() ? 3 : 4);
  client.field("name", hello.name);
  client.field("version", hello.version);
  client.field("instance", hello.instance);
  if (!hello.labels.empty()) {
    client.text("labels");
    client.map(static_cast<std::uint32_t>(hello.labels.size()));
    for (const auto& [name, text] : hello.labels) client.field(name, text);
  }
  const auto lists = (hello.follow_ns.empty() ? 0u : 1u) + (hello.follow_under.empty() ? 0u : 1u);
  if (lists == 0) return;
  Writer& follow = out.open("follow");
  follow.map(lists);
  add_names(follow, "ns", hello.follow_ns);
  add_names(follow, "under", hello.follow_under);
}

void add(FieldList& out, const GetRequest& get) {
  out.add("ns", get.ns);
  out.add("key", get.key);
  add(out, get.read);
}

void add(FieldList& out, const MGetRequest& mget) {
  out.add("ns", mget.ns);
  Writer& keys = out.open("keys");
  keys.array(static_cast<std::uint32_t>(mget.keys.size()));
  for (const auto key : mget.keys) keys.text(key);
  add(out, mget.page);
  add(out, mget.read);
}

void add(FieldList& out, const ListRequest& list) {
  out.add("ns", list.ns);
  if (list.subtree) out.add("subtree", true);
  out.add_if("prefix", list.prefix);
  out.add_if("glob", list.glob);
  if (!list.values) out.add("values", false);
  add(out, list.page);
  add(out, list.read);
}

void add(FieldList& out, const NamespacesRequest& namespaces) {
  if (!namespaces.under.empty()) out.add("under", namespaces.under);
  add(out, namespaces.page);
}

void add(FieldList& out, const PutRequest& put) {
  out.add("ns", put.ns);
  out.add("key", put.key);
  out.add_raw("value", put.value);
  out.add_if("if_rev", put.if_rev);
  add(out, put.write);
}

void add(FieldList& out, const DeleteRequest& del) {
  out.add("ns", del.ns);
  out.add("key", del.key);
  out.add_if("if_rev", del.if_rev);
  add(out, del.write);
}

void write_do(Writer& out, const TxnRequest::Do& change) {
  const bool put = change.op == ChangeOp::put;
  out.map(put ? 4 : 3);
  out.field("op", put ? "put" : "delete");
  out.field("ns", change.ns);
  out.field("key", change.key);
  if (!put) return;
  out.name("value");
  out.raw(change.value);
}

void add(FieldList& out, const TxnRequest& txn) {
  Writer& changes = out.open("do");
  changes.array(static_cast<std::uint32_t>(txn.changes.size()));
  for (const auto& change : txn.changes) write_do(changes, change);
  if (!txn.conditions.empty()) {
    Writer& conditions = out.open("if");
    conditions.array(static_cast<std::uint32_t>(txn.conditions.size()));
    for (const auto& condition : txn.conditions) {
      conditions.map(3);
      conditions.field("ns", condition.ns);
      conditions.field("key", condition.key);
      conditions.field("rev", condition.rev.value());
    }
  }
  add(out, txn.write);
}

void add(FieldList& out, const SnapshotRequest& snapshot) {
  out.add_if("ns", snapshot.ns);
  out.add_if("under", snapshot.under);
  out.add_cursor(snapshot.after);
  out.add_if("max_bytes", snapshot.max_bytes);
}

void add(FieldList& out, const ChangesRequest& changes) {
  if (changes.under) {
    out.add("under", *changes.under);
    out.add("since_rev", changes.since_rev.value());
  } else {
    add_seqs(out.open("since"), changes.since);
  }
  add(out, changes.page);
}

void add(FieldList& out, const HistoryRequest& history) {
  out.add("ns", history.ns);
  out.add("key", history.key);
  out.add_if("before", history.before);
  add(out, history.page);
}

void add(FieldList& out, const DiffRequest& diff) {
  out.add("ns", diff.ns);
  out.add("from", diff.from.value());
  out.add("to", diff.to.value());
  add(out, diff.page);
}

void add(FieldList& out, const RollbackRequest& rollback) {
  out.add("ns", rollback.ns);
  out.add_if("key", rollback.key);
  out.add("to", rollback.to.value());
  add(out, rollback.write);
}

void add_rejections(Writer& out, const std::vector<AckRequest::Rejection>& rejected) {
  out.array(static_cast<std::uint32_t>(rejected.size()));
  for (const auto& rejection : rejected) {
    out.map(4);
    out.field("ns", rejection.ns);
    out.field("seq", rejection.seq.value());
    out.field("key", rejection.key);
    out.field("reason", rejection.reason);
  }
}

void add(FieldList& out, const AckRequest& ack) {
  add_seqs(out.open("applied"), ack.applied);
  if (!ack.rejected.empty()) add_rejections(out.open("rejected"), ack.rejected);
  if (!ack.latency_us.empty()) {
    Writer& latencies = out.open("latency_us");
    latencies.array(static_cast<std::uint32_t>(ack.latency_us.size()));
    for (const auto sample : ack.latency_us) latencies.uint(sample);
  }
  out.add_if("state", ack.state);
}

void add(FieldList& out, const SubscribersRequest& subscribers) {
  out.add_if("ns", subscribers.ns);
  add(out, subscribers.page);
}

void add(FieldList& out, const WaitAppliedRequest& wait) {
  out.add("ns", wait.ns);
  out.add("seq", wait.seq.value());
  out.add("timeout_ms", wait.timeout_ms);
  out.add_if("count", wait.count);
}

void add(FieldList& out, const KeysRequest& keys) {
  for (const auto& [field, names] : {std::pair("ns", &keys.ns), std::pair("under", &keys.under)}) {
    if (names->empty()) continue;
    Writer& list = out.open(field);
    list.array(static_cast<std::uint32_t>(names->size()));
    for (const auto name : *names) list.text(name);
  }
  out.add_if("period", keys.period);
  add(out, keys.page);
}

void add(FieldList& out, const BackupRequest& backup) {
  out.add("name", backup.name);
}

void add(FieldList& out, const AuditRequest& audit) {
  out.add_if("ns", audit.ns);
  out.add_if("by", audit.by);
  out.add_if("since", audit.since);
  add(out, audit.page);
}

void add(FieldList&, const StatusRequest&) {}
void add(FieldList&, const UnsupportedRequest&) {}

}  // namespace

std::string_view op_of(const RequestBody& body) {
  return std::visit([](const auto& request) { return op_of(request); }, body);
}

std::string encode_request(const Request& request) {
  PRISMBUS_ASSERT(!std::holds_alternative<UnsupportedRequest>(request.body),
                  "only requests this version knows are encoded");
  std::string bytes;
  FieldList out(bytes);
  out.add("op", op_of(request.body));
  out.open("id").integer(request.id);
  if (request.epoch) out.add("epoch", request.epoch->value());
  out.add_if("token", request.token);
  std::visit([&](const auto& body) { add(out, body); }, request.body);
  out.finish();
  return bytes;
}

}  // namespace prismbus::codec

// Bodies of the requests that change something: put, delete, txn, rollback.
#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

#include "proto/wire/codec/request.hpp"
#include "proto/wire/codec/request_parts.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

void decode_req(MapReader& in, WriteOptions& write) {
  const auto encoded = in.maybe_any("req");
  if (encoded.empty()) return;
  std::string_view session;
  if (!request_id_of(encoded, session, write.n)) {
    return in.fault().refuse(in.at("req"), "must be [bin of 8 bytes, unsigned integer]");
  }
  write.session = session;
}

WriteOptions decode_write_options(MapReader& in) {
  WriteOptions write;
  decode_req(in, write);
  write.note = in.maybe_text("note");
  if (write.note && write.note->size() > limits::kNoteBytes) {
    in.fault().set(
        over_limit(in.at("note").spell(), "a note too long", limits::kNoteBytes, write.note->size()));
  }
  return write;
}

std::optional<Revision> decode_if_rev(MapReader& in) {
  const auto rev = in.maybe_uint("if_rev");
  return rev ? std::optional(Revision(*rev)) : std::nullopt;
}

// One value under the contract's rules. The path is spelled again only when something is wrong.
std::string_view decode_put_value(MapReader& in) {
  const auto value = in.any("value");
  if (!in.fault().ok()) return value;
  if (const auto valid = validate_value(value, {}); !valid) {
    Error error = valid.error();
    error.field = in.at("value").spell();
    in.fault().set(std::move(error));
  }
  return value;
}

TxnRequest::Do decode_do(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  TxnRequest::Do change;
  const auto op = in.text("op");
  if (op == "delete") {
    change.op = ChangeOp::del;
  } else if (op != "put" && fault.ok()) {
    fault.refuse(in.at("op"), "is put or delete");
  }
  change.ns = in.ns("ns");
  change.key = in.key("key");
  if (change.op == ChangeOp::put) change.value = decode_put_value(in);
  return change;
}

TxnRequest::If decode_if(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  TxnRequest::If condition;
  condition.ns = in.ns("ns");
  condition.key = in.key("key");
  condition.rev = Revision(in.uint("rev"));
  return condition;
}

// The index of the first item whose (ns, key) an earlier item has too.
std::optional<std::size_t> find_repeated(const std::vector<TxnRequest::Do>& changes) {
  const auto name = [](const TxnRequest::Do& change) { return std::tie(change.ns, change.key); };
  const auto not_ascending = [&](const auto& a, const auto& b) { return !(name(a) < name(b)); };
  if (std::adjacent_find(changes.begin(), changes.end(), not_ascending) == changes.end()) return std::nullopt;
  std::vector<std::size_t> order(changes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return name(changes[a]) < name(changes[b]); });
  std::optional<std::size_t> first;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (name(changes[order[i]]) != name(changes[order[i - 1]])) continue;
    if (!first || order[i] < *first) first = order[i];
  }
  return first;
}

void check_count(const Items& list, const Place& place, const char* too_many, Fault& fault) {
  if (list.count > limits::kTxnChanges) {
    fault.set(over_limit(place.spell(), too_many, limits::kTxnChanges, list.count));
  }
}

void decode_changes_of(MapReader& in, TxnRequest& txn) {
  Fault& fault = in.fault();
  Items list = in.array("do");
  Place place = in.at("do");
  if (fault.ok() && list.count == 0) fault.refuse(place, "a transaction has at least one change");
  check_count(list, place, "too many changes in one transaction", fault);
  if (!fault.ok()) return;
  txn.changes.reserve(list.count);
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < list.count && fault.ok(); ++i) {
    place.index = i;
    txn.changes.push_back(decode_do(list.items.take(), place, fault));
    bytes += txn.changes.back().key.size() + txn.changes.back().value.size();
  }
  place.index.reset();
  if (fault.ok() && bytes > limits::kTxnBytes) {
    fault.set(
        over_limit(place.spell(), "keys and values of one transaction too large", limits::kTxnBytes, bytes));
  }
  if (!fault.ok()) return;
  if (const auto repeated = find_repeated(txn.changes)) {
    place.index = *repeated;
    fault.refuse(place, "the same key twice in one transaction");
  }
}

}  // namespace

PutRequest decode_put(MapReader& in) {
  PutRequest put;
  put.ns = in.ns("ns");
  put.key = in.key("key");
  put.value = decode_put_value(in);
  put.if_rev = decode_if_rev(in);
  put.write = decode_write_options(in);
  return put;
}

DeleteRequest decode_delete(MapReader& in) {
  DeleteRequest del;
  del.ns = in.ns("ns");
  del.key = in.key("key");
  del.if_rev = decode_if_rev(in);
  del.write = decode_write_options(in);
  return del;
}

TxnRequest decode_txn(MapReader& in) {
  TxnRequest txn;
  Fault& fault = in.fault();
  decode_changes_of(in, txn);
  if (in.has("if")) {
    Items list = in.array("if");
    Place place = in.at("if");
    check_count(list, place, "too many requirements in one transaction", fault);
    if (fault.ok()) txn.conditions.reserve(list.count);
    for (std::uint32_t i = 0; i < list.count && fault.ok(); ++i) {
      place.index = i;
      txn.conditions.push_back(decode_if(list.items.take(), place, fault));
    }
  }
  txn.write = decode_write_options(in);
  return txn;
}

RollbackRequest decode_rollback(MapReader& in) {
  RollbackRequest rollback;
  rollback.ns = in.ns("ns");
  if (in.has("key")) rollback.key = in.key("key");
  rollback.to = Revision(in.uint("to"));
  if (in.fault().ok() && rollback.to == Revision{}) in.fault().refuse(in.at("to"), "must be at least 1");
  rollback.write = decode_write_options(in);
  return rollback;
}

}  // namespace prismbus::codec

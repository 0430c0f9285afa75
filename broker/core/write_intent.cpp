#include "broker/core/write_intent.hpp"

namespace prismbus {

std::size_t WriteIntent::bytes() const {
  std::size_t n = 0;
  for (const auto& item : items) n += item.ns.size() + item.key.size() + item.value.size();
  return n;
}

bool to_write_intent(const RequestBody& body, WriteIntent& into) {
  into.items.clear();
  into.conditions.clear();
  into.rollback = std::get_if<RollbackRequest>(&body);
  if (const auto* put = std::get_if<PutRequest>(&body)) {
    into.op = WriteOp::put;
    into.items.push_back({ChangeOp::put, put->ns, put->key, put->value});
    if (put->if_rev) into.conditions.push_back({put->ns, put->key, *put->if_rev});
    into.options = put->write;
    return true;
  }
  if (const auto* del = std::get_if<DeleteRequest>(&body)) {
    into.op = WriteOp::del;
    into.items.push_back({ChangeOp::del, del->ns, del->key, {}});
    if (del->if_rev) into.conditions.push_back({del->ns, del->key, *del->if_rev});
    into.options = del->write;
    return true;
  }
  if (const auto* txn = std::get_if<TxnRequest>(&body)) {
    into.op = WriteOp::txn;
    into.items = txn->changes;
    into.conditions = txn->conditions;
    into.options = txn->write;
    return true;
  }
  if (into.rollback != nullptr) {
    into.op = WriteOp::rollback;
    into.options = into.rollback->write;
    return true;
  }
  return false;
}

}  // namespace prismbus

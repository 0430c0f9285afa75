#include "broker/core/op_needs.hpp"

#include <variant>

namespace prismbus {
namespace {

using What = OpNeeds::What;

constexpr OpNeeds exactly_if(bool exact, std::string_view ns) {
  return exact ? OpNeeds{What::read_exact, ns} : OpNeeds{What::read_each};
}

struct Table {
  OpNeeds operator()(const UnsupportedRequest&) const { return {}; }
  OpNeeds operator()(const HelloRequest&) const { return {}; }
  OpNeeds operator()(const GetRequest& r) const { return {What::read_exact, r.ns}; }
  OpNeeds operator()(const MGetRequest& r) const { return {What::read_exact, r.ns}; }
  OpNeeds operator()(const ListRequest& r) const { return exactly_if(!r.subtree, r.ns); }
  OpNeeds operator()(const NamespacesRequest&) const { return {What::read_each}; }
  OpNeeds operator()(const PutRequest&) const { return {What::write_each}; }
  OpNeeds operator()(const DeleteRequest&) const { return {What::write_each}; }
  OpNeeds operator()(const TxnRequest&) const { return {What::write_each}; }
  OpNeeds operator()(const RollbackRequest&) const { return {What::write_each}; }
  OpNeeds operator()(const SnapshotRequest& r) const {
    return exactly_if(r.ns.has_value(), r.ns.value_or(""));
  }
  OpNeeds operator()(const ChangesRequest&) const { return {What::read_each}; }
  OpNeeds operator()(const HistoryRequest& r) const { return {What::read_exact, r.ns}; }
  OpNeeds operator()(const DiffRequest& r) const { return {What::read_exact, r.ns}; }
  OpNeeds operator()(const KeysRequest&) const { return {What::read_each}; }
  OpNeeds operator()(const AckRequest&) const { return {What::read_each}; }
  OpNeeds operator()(const SubscribersRequest& r) const {
    return exactly_if(r.ns.has_value(), r.ns.value_or(""));
  }
  OpNeeds operator()(const WaitAppliedRequest& r) const { return {What::read_exact, r.ns}; }
  OpNeeds operator()(const BackupRequest&) const { return {What::administer}; }
  OpNeeds operator()(const AuditRequest&) const { return {What::administer}; }
  OpNeeds operator()(const StatusRequest&) const { return {}; }
};

}  // namespace

OpNeeds needs_of(const RequestBody& body) {
  return std::visit(Table(), body);
}

Result<void> authorise(const Access& access, const RequestBody& body) {
  const OpNeeds needs = needs_of(body);
  if (needs.what == What::administer) return access.authorise_admin();
  if (needs.what == What::read_exact) return access.authorise(Right::read, needs.ns);
  return {};
}

}  // namespace prismbus

// The reads that only a Publisher offers; those it shares with the reading client: proto/client/reads.hpp.
// Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/client/broker_read.hpp"
#include "publisher/publisher.hpp"

namespace prismbus {

[[nodiscard]] Asked<ChangesReply> ask_changes(ChangesCall call);
[[nodiscard]] Asked<SnapshotReply> ask_snapshot(SnapshotCall call);
[[nodiscard]] Asked<SubscribersReply> ask_subscribers(SubscribersCall call);
[[nodiscard]] Asked<WaitAppliedReply> ask_wait_applied(std::string_view ns, Seq seq,
                                                       std::chrono::milliseconds at_most,
                                                       std::optional<std::uint64_t> count,
                                                       const ReadCall& call);
[[nodiscard]] Asked<BackupReply> ask_backup(std::string_view name, const ReadCall& call);
[[nodiscard]] Asked<AuditReply> ask_audit(AuditCall call);
[[nodiscard]] Asked<std::string> ask_status();
[[nodiscard]] Asked<HelloReply> ask_hello(const ClientIdentity& client);

}  // namespace prismbus

// Reads that page: list, mget, namespaces, snapshot, changes, history, diff, and a get of the past, each from
// one ReadView to one reply payload. Pure but for the view; reader thread. A page ends at limits::kPageBytes,
// kPageKeys visited or the asked `limit`, and says where.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/access.hpp"
#include "broker/core/chunk_cache.hpp"
#include "broker/store/read_view.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {

// Each answers with a reply or an error reply: one payload either way. An exactly named namespace is known to
// be readable; of several, and of a subtree, only what `access` lets read is looked at.
[[nodiscard]] std::string answer_list(const ReadView& view, const codec::ReplyHead& head,
                                      const ListRequest& request, const Access& access);
[[nodiscard]] std::string answer_mget(const ReadView& view, const codec::ReplyHead& head,
                                      const MGetRequest& request);
[[nodiscard]] std::string answer_namespaces(const ReadView& view, const codec::ReplyHead& head,
                                            const NamespacesRequest& request, const Access& access);
// `cache` may be null.
[[nodiscard]] std::string answer_snapshot(const ReadView& view, const codec::ReplyHead& head,
                                          const SnapshotRequest& request, const Access& access,
                                          ChunkCache* cache);
// `refused` gets the names that failed for want of the right, as many as a line tells; `compacted` counts
// those whose history is gone.
[[nodiscard]] std::string answer_changes(const ReadView& view, const codec::ReplyHead& head,
                                         const ChangesRequest& request, const Access& access,
                                         std::vector<std::string>& refused, std::uint64_t& compacted);
// With `at` or `at_time`.
[[nodiscard]] std::string answer_get_at(const ReadView& view, const codec::ReplyHead& head,
                                        const GetRequest& request);
[[nodiscard]] std::string answer_history(const ReadView& view, const codec::ReplyHead& head,
                                         const HistoryRequest& request, std::string_view principal);
[[nodiscard]] std::string answer_diff(const ReadView& view, const codec::ReplyHead& head,
                                      const DiffRequest& request);

}  // namespace prismbus

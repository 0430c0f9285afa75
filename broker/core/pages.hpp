// Reads that page: list, mget, namespaces, snapshot, changes, each from one ReadView to one reply payload.
// Pure but for the view; reader thread. A page ends at limits::kPageBytes, kPageKeys visited or the asked
// `limit`, and says where.
#pragma once

#include <string>

#include "broker/core/chunk_cache.hpp"
#include "broker/store/read_view.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {

// Each answers with a reply or an error reply: one payload either way.
[[nodiscard]] std::string answer_list(const ReadView& view, const codec::ReplyHead& head,
                                      const ListRequest& request);
[[nodiscard]] std::string answer_mget(const ReadView& view, const codec::ReplyHead& head,
                                      const MGetRequest& request);
[[nodiscard]] std::string answer_namespaces(const ReadView& view, const codec::ReplyHead& head,
                                            const NamespacesRequest& request);
// `cache` may be null.
[[nodiscard]] std::string answer_snapshot(const ReadView& view, const codec::ReplyHead& head,
                                          const SnapshotRequest& request, ChunkCache* cache);
[[nodiscard]] std::string answer_changes(const ReadView& view, const codec::ReplyHead& head,
                                         const ChangesRequest& request);

}  // namespace prismbus

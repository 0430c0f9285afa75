#include "broker/core/past.hpp"

namespace prismbus {

Error below_floor(Revision floor) {
  Error error = error_of(ErrorCode::compacted, "that part of the history is gone");
  error.floor = floor.value();
  return error;
}

Result<Revision> revision_read(const ReadView& view, const ReadOptions& read,
                               const std::optional<CursorToken>& cursor) {
  std::optional<Revision> at = read.at;
  if (cursor) {
    if (at && *at != cursor->rev) return fail_field("after", "the page before was of another revision");
    at = cursor->rev;
  }
  if (!at) {
    const auto found = view.revision_at(*read.at_time);
    if (!found) return tl::unexpected(found.error());
    at = *found;
  }
  if (*at < view.floor()) return tl::unexpected(below_floor(view.floor()));
  return *at;
}

Result<void> scan_two(const ReadView& view, std::string_view ns, std::string_view from_key, Revision lower,
                      Revision higher, const EachPair& each) {
  Result<void> looked_up;
  const auto scanned = view.scan_at(
      higher, ns, from_key, [&](std::string_view at_ns, std::string_view key, const EntryView* entry) {
        if (at_ns != ns) return false;
        if (entry != nullptr && entry->rev <= lower) return each(key, entry, entry);
        const auto below = view.find_at(lower, ns, key);
        if (!below) {
          looked_up = tl::unexpected(below.error());
          return false;
        }
        return each(key, *below ? &**below : nullptr, entry);
      });
  return scanned ? looked_up : scanned;
}

}  // namespace prismbus

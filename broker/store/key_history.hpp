// The versions of one key in a snapshot of the state: from its newest one (its row in head or deleted) along
// the links of history. One thread, the snapshot's; everything is lent from the snapshot. Revisions asked for
// are at or above the state's floor: below it versions are missing.
#pragma once

#include <optional>
#include <string_view>

#include "broker/store/disk_keys.hpp"
#include "broker/store/state.hpp"
#include "broker/store/state_record.hpp"

namespace prismbus {

class KeyHistory {
 public:
  explicit KeyHistory(StateReader& state) : state_(state) {}

  struct Version {
    Revision rev;
    HistoryRecord record;
  };
  // The newest version at or before `at`, be it a delete; nullopt = none. Errors: internal, naming the row.
  [[nodiscard]] Result<std::optional<Version>> find(Revision at, std::string_view ns, std::string_view key);
  // The same from the newest version on: O(log versions) rows.
  [[nodiscard]] Result<std::optional<Version>> find_from(Revision newest, VersionLinks links, Revision at,
                                                         std::string_view ns, std::string_view key);
  // The one before `version`; nullopt = none.
  [[nodiscard]] Result<std::optional<Version>> before(const Version& version, std::string_view ns,
                                                      std::string_view key);

 private:
  [[nodiscard]] Result<Version> load(Revision rev, std::string_view ns, std::string_view key);

  StateReader& state_;
  DiskKey key_;
};

// A put as the entry it made.
[[nodiscard]] EntryView entry_of(const KeyHistory::Version& version, std::string_view ns,
                                 std::string_view key);

// The time of the transaction of `rev`, of which at least one change is still in history; nullopt = none is.
[[nodiscard]] Result<std::optional<Wall>> time_of(StateReader& state, Revision rev);

}  // namespace prismbus

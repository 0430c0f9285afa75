// Reading the settings again while the broker serves (SIGHUP): what changed, what of it takes effect at once,
// and what waits for a restart. All or nothing: one mistake, and everything stays as it was. Supervisor's
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/daemon/settings.hpp"

namespace prismbus {

// Reads every source as the start did: file, environment, flags.
using SettingsSource = std::function<SettingsOutcome()>;

struct Reload {
  std::vector<EffectiveSetting> live;     // changed, and in force as soon as they are handed on
  std::vector<EffectiveSetting> waiting;  // changed, and of no effect before a restart
};
// `before` and `after`: all rows of the table, each in its order.
[[nodiscard]] Reload compare_settings(const std::vector<EffectiveSetting>& before,
                                      const std::vector<EffectiveSetting>& after);

}  // namespace prismbus

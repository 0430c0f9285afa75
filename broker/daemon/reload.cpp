#include "broker/daemon/reload.hpp"

#include <algorithm>

namespace prismbus {
namespace {

bool is_live(std::string_view key) {
  const auto table = setting_table();
  return std::any_of(table.begin(), table.end(),
                     [key](const SettingRow& row) { return row.key == key && row.live; });
}

}  // namespace

Reload compare_settings(const std::vector<EffectiveSetting>& before,
                        const std::vector<EffectiveSetting>& after) {
  Reload reload;
  for (const EffectiveSetting& now : after) {
    const auto then = std::find_if(before.begin(), before.end(),
                                   [&now](const EffectiveSetting& one) { return one.key == now.key; });
    if (then != before.end() && then->value == now.value) continue;
    (is_live(now.key) ? reload.live : reload.waiting).push_back(now);
  }
  return reload;
}

}  // namespace prismbus

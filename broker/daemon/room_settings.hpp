// What each room is told of the settings. Each run of the broker draws its number here; the rest is pure.
#pragma once

#include "broker/core/settings.hpp"
#include "broker/daemon/settings.hpp"
#include "broker/gateway/gateway.hpp"
#include "broker/net/connection_watch.hpp"
#include "broker/net/stream_door.hpp"
#include "broker/security/security_files.hpp"
#include "broker/sequencer/local.hpp"
#include "broker/store/agents.hpp"

namespace prismbus {

[[nodiscard]] LocalSequencerSettings sequencer_settings(const Settings& settings);
// `streams` are bound: their endpoints are told. `security` null: there is none.
[[nodiscard]] PipelineSettings pipeline_settings(const Settings& settings, const StreamDoors& streams,
                                                 const SecurityFiles* security);
[[nodiscard]] GatewaySettings gateway_settings(const Settings& settings);
[[nodiscard]] FoldSettings fold_settings(const Settings& settings);
// Live ones: again after each reload.
[[nodiscard]] LiveSettings live_settings(const Settings& settings);
[[nodiscard]] RetentionSettings retention_settings(const Settings& settings);
[[nodiscard]] ConnectionLimits connection_limits(const Settings& settings);

}  // namespace prismbus

// H of the contract's key derivations: BLAKE2b-256, keyed.
#pragma once

#include <string_view>

#include "proto/seal/stream_key.hpp"

namespace prismbus {

// H(k, first || rest). Pure; start_crypto() came before.
[[nodiscard]] StreamKey keyed_hash(const StreamKey& k, std::string_view first, std::string_view rest = {});

}  // namespace prismbus

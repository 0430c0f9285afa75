// Test messages written as JSON text and packed by nlohmann's MessagePack, which shares no code with ours.
// {"$bin": "text"} stands for a bin, {"$nest": n} for n arrays within each other.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace prismbus::testing {

inline nlohmann::json with_bins(nlohmann::json value) {
  if (value.is_object() && value.size() == 1 && value.contains("$bin")) {
    const auto text = value["$bin"].get<std::string>();
    return nlohmann::json::binary({text.begin(), text.end()});
  }
  if (value.is_object() && value.size() == 1 && value.contains("$nest")) {
    nlohmann::json nested = nlohmann::json::array();
    for (int i = value["$nest"].get<int>(); i > 1; --i) nested = nlohmann::json::array({nested});
    return nested;
  }
  for (auto& item : value) {
    if (item.is_structured()) item = with_bins(item);
  }
  return value;
}

inline std::string pack_json(const nlohmann::json& value) {
  const std::vector<std::uint8_t> bytes = nlohmann::json::to_msgpack(with_bins(value));
  return {bytes.begin(), bytes.end()};
}

inline std::string pack_text(std::string_view json) {
  return pack_json(nlohmann::json::parse(json));
}

}  // namespace prismbus::testing

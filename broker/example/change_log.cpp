#include "broker/example/change_log.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace prismbus::example {
namespace {

LoggedChange change_from(const nlohmann::json& json) {
  LoggedChange change;
  change.key = json.at("key").get<std::string>();
  change.removes = json.at("op").get<std::string>() == "del";
  if (!change.removes) {
    const std::vector<std::uint8_t> packed = nlohmann::json::to_msgpack(json.at("value"));
    change.value.bytes.assign(packed.begin(), packed.end());
  }
  return change;
}

}  // namespace

Result<std::vector<LoggedSet>> read_change_log(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::unavailable, "cannot read " + path);
  std::vector<LoggedSet> sets;
  std::string line;
  try {
    while (std::getline(file, line)) {
      LoggedSet set;
      const nlohmann::json document = nlohmann::json::parse(line);
      for (const auto& change : document.at("changes")) set.push_back(change_from(change));
      if (!set.empty()) sets.push_back(std::move(set));
    }
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::invalid_argument,
                path + ", line " + std::to_string(sets.size() + 1) + ": " + error.what());
  }
  return sets;
}

}  // namespace prismbus::example

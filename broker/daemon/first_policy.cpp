#include "broker/daemon/first_policy.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "broker/core/policy.hpp"
#include "broker/store/read_view.hpp"
#include "proto/base/checked_file.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kFileMax = 1u << 20;

bool has_had_a_policy(const Store& store) {
  StateReader state(store.state);
  JournalReader journal(store.journal);
  state.renew();
  Recent recent(state.folded());
  for (const TransactionPtr& txn : store.tail) recent.apply(txn);
  const ReadView view(recent.snapshot(), state, journal);
  const auto head = view.find_head(kPolicyNamespace);
  return !head || head->has_value();  // what cannot be read is not written over
}

tl::unexpected<Error> wrong(const std::string& path, std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", path, what));
}

}  // namespace

Result<std::optional<std::string>> first_policy_request(const std::string& directory, const Store& store) {
  const std::string path = directory + "/policy.json";
  if (has_had_a_policy(store)) return std::nullopt;
  // Who may write it lets people in; reading it is no secret.
  const auto text = read_secret_file(path, {kOthersWrite, true, kFileMax});
  if (!text) {
    Error error = file_error(text.error(), path);
    if (error.code == ErrorCode::not_found) return std::nullopt;
    return tl::unexpected(std::move(error));
  }
  const auto rules = nlohmann::json::parse(text->view(), nullptr, false);
  if (!rules.is_object()) return wrong(path, "has to be a map of rules by pattern");
  std::vector<std::string> keys, values;
  for (const auto& [pattern, rule] : rules.items()) {
    std::string value;
    nlohmann::json::to_msgpack(rule, value);
    auto sound = validate_policy_pattern(pattern);
    if (sound) sound = decode_policy_rule(value).map([](const PolicyRule&) {});
    if (!sound) {
      const Error& e = sound.error();
      return wrong(path,
                   fmt::format("{}: {}: {}", pattern, e.path.value_or(""), e.reason.value_or(e.message)));
    }
    keys.push_back(pattern);
    values.push_back(std::move(value));
  }
  if (keys.empty()) return std::nullopt;
  Request request;
  TxnRequest txn;
  for (std::size_t i = 0; i < keys.size(); ++i)
    txn.changes.push_back({ChangeOp::put, kPolicyNamespace, keys[i], values[i]});
  request.body = std::move(txn);
  std::string encoded = codec::encode_request(request);
  if (const auto fits = codec::decode_request(encoded); !fits)
    return wrong(path, "does not fit into one transaction: " + fits.error().error.message);
  return encoded;
}

}  // namespace prismbus

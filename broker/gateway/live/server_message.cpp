#include "broker/gateway/live/server_message.hpp"

#include <fmt/format.h>

#include <utility>

#include "broker/gateway/http/number_text.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "proto/json/json_value.hpp"

namespace prismbus {

OutMessage snapshot_message(SubscriptionId id, const std::string& entries, bool more) {
  return {fmt::format(R"({{"type":"snapshot","id":{},"entries":{},"more":{}}})", id, entries, more), nullptr};
}

OutMessage subscribed_message(SubscriptionId id, Epoch epoch, const std::string& heads) {
  return {fmt::format(R"({{"type":"subscribed","id":{},"epoch":"{}","heads":{}}})", id,
                      hex_text(epoch.value()), heads),
          nullptr};
}

OutMessage change_message(SubscriptionId id, SharedText text) {
  return {fmt::format(R"({{"type":"change","id":{},)", id), std::move(text)};
}

OutMessage gap_message(SubscriptionId id, std::string_view ns, Seq told) {
  return {fmt::format(R"({{"type":"gap","id":{},"ns":{},"seq":{}}})", id, json_quoted(ns), told.value()),
          nullptr};
}

OutMessage error_message(std::optional<SubscriptionId> id, const Error& error) {
  const std::string whole = error_text(error);  // {"error":{...}} and a line end
  const std::string_view text = std::string_view(whole).substr(1, whole.size() - 2);
  return {id ? fmt::format(R"({{"type":"error","id":{},{})", *id, text)
             : fmt::format(R"({{"type":"error",{})", text),
          nullptr};
}

}  // namespace prismbus

#include "broker/gateway/live/client_message.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "broker/gateway/http/number_text.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kNodes = 100'000;  // of one message: `since` names namespaces, no more

// The fields of one message, taken one after another; the first mistake is kept.
class Fields {
 public:
  explicit Fields(Value& object) : object_(object) {}

  template <class T>
  T* find(std::string_view name, std::string_view what) {
    Value* value = object_.find(name);
    if (value == nullptr) return nullptr;
    T* typed = value->as<T>();
    if (typed == nullptr) wrong(name, std::string("is not of type ") + std::string(what));
    return typed;
  }
  template <class T>
  T* need(std::string_view name, std::string_view what) {
    if (object_.find(name) == nullptr) wrong(name, "is missing");
    return find<T>(name, what);
  }
  void wrong(std::string_view name, std::string why) {
    if (!error_) error_ = fail_field(std::string(name), std::move(why)).value();
  }
  // Fields that this message does not have: somebody would want to hear of them.
  void allow(std::initializer_list<std::string_view> names) {
    for (const auto& member : *object_.as<Value::Map>()) {
      const auto* name = member.key.as<std::string>();
      const bool known =
          name != nullptr && (*name == "type" || std::find(names.begin(), names.end(), *name) != names.end());
      if (!known && !error_)
        error_ = unsupported(name != nullptr && !name->empty() ? *name : "message",
                             "no such field in this message");
    }
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  Value& object_;
  std::optional<Error> error_;
};

void read_since(Fields& fields, Value& object, SubscribeMessage& out) {
  Value* value = object.find("since");
  if (value == nullptr) return;
  out.since.emplace();
  if (const auto* seq = value->as<std::uint64_t>()) {
    if (out.subtree) return fields.wrong("since", "of a subtree is a map of namespaces");
    out.since->emplace(out.ns, Seq(*seq));
    return;
  }
  const auto* members = value->as<Value::Map>();
  if (members == nullptr) return fields.wrong("since", "is neither a seq nor a map of namespaces");
  if (members->size() > limits::kFollowNames) return fields.wrong("since", "has more than 10,000 names");
  for (const auto& [key, member] : *members) {
    const auto* ns = key.as<std::string>();
    const auto* seq = member.as<std::uint64_t>();
    const bool covered = ns != nullptr && (out.subtree ? is_under(*ns, out.ns) : *ns == out.ns);
    if (!covered) return fields.wrong("since", "names what is not subscribed to");
    if (seq == nullptr) return fields.wrong("since", "has a seq that is not an unsigned number");
    out.since->emplace(*ns, Seq(*seq));
  }
  if (!out.subtree) out.since->emplace(out.ns, Seq());
}

void read_epoch(Fields& fields, SubscribeMessage& out) {
  const auto* hex = fields.find<std::string>("epoch", "string");
  if (hex == nullptr) return;
  const auto epoch = parse_hex(*hex);
  if (!epoch) return fields.wrong("epoch", "is not 16 hex digits");
  out.epoch = Epoch(*epoch);
}

SubscribeMessage read_subscribe(Fields& fields, Value& object) {
  SubscribeMessage out;
  fields.allow({"id", "ns", "subtree", "glob", "since", "snapshot", "epoch"});
  if (auto* ns = fields.need<std::string>("ns", "string")) out.ns = *ns;
  if (const auto* subtree = fields.find<bool>("subtree", "boolean")) out.subtree = *subtree;
  if (auto* glob = fields.find<std::string>("glob", "string")) {
    if (const auto good = validate_glob(*glob, "glob"); !good) fields.wrong("glob", good.error().message);
    if (*glob != "**") out.glob = *glob;
  }
  if (const auto* snapshot = fields.find<bool>("snapshot", "boolean")) out.snapshot = *snapshot;
  read_epoch(fields, out);
  read_since(fields, object, out);
  return out;
}

template <class Message>
Message read_id(Fields& fields, SubscriptionId id) {
  fields.allow({"id"});
  return Message{id};
}

Result<ClientMessage, ClientMistake> read(Value& object) {
  Fields fields(object);
  ClientMessage message;
  const auto* type = fields.need<std::string>("type", "string");
  const auto* id = type != nullptr && *type != "ack" && *type != "token"
                       ? fields.need<std::uint64_t>("id", "unsigned number")
                       : nullptr;
  const std::optional<SubscriptionId> told = id == nullptr ? std::nullopt : std::optional(*id);
  if (fields.error()) return tl::unexpected(ClientMistake{told, *fields.error()});
  if (*type == "subscribe") {
    SubscribeMessage subscribe = read_subscribe(fields, object);
    subscribe.id = *told;
    message = std::move(subscribe);
  } else if (*type == "unsubscribe") {
    message = read_id<UnsubscribeMessage>(fields, *told);
  } else if (*type == "pause") {
    message = read_id<PauseMessage>(fields, *told);
  } else if (*type == "resume") {
    message = read_id<ResumeMessage>(fields, *told);
  } else if (*type == "token") {
    fields.allow({"token"});
    TokenMessage token;
    if (auto* text = fields.need<std::string>("token", "string")) token.token = std::move(*text);
    message = std::move(token);
  } else if (*type == "ack") {
    fields.allow({"applied", "rejected", "latency_us", "state"});
    if (fields.error()) return tl::unexpected(ClientMistake{told, *fields.error()});
    std::erase_if(*object.as<Value::Map>(),
                  [](const Value::Member& m) { return *m.key.as<std::string>() == "type"; });
    message = AckMessage{std::move(object)};
  } else {
    return tl::unexpected(ClientMistake{told, unsupported("type", "no such message")});
  }
  if (fields.error()) return tl::unexpected(ClientMistake{told, *fields.error()});
  return message;
}

}  // namespace

Result<ClientMessage, ClientMistake> parse_client_message(std::string_view text) {
  auto value = from_json(text, kNodes);
  if (!value) {
    return tl::unexpected(
        ClientMistake{{}, fail_field("message", located("message", value.error()).message).value()});
  }
  if (!value->is<Value::Map>())
    return tl::unexpected(ClientMistake{{}, fail_field("message", "is not a JSON object").value()});
  return read(*value);
}

}  // namespace prismbus

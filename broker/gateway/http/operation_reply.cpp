#include "broker/gateway/http/operation_reply.hpp"

#include "broker/gateway/http/entity_tag.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

// The entry alone, or 304 when the client has it.
HttpResponse entry_response(const HttpRequest& request, Value tree, Epoch epoch) {
  Value* entry = tree.find("entry");
  const Value* rev = entry == nullptr ? nullptr : entry->find("rev");
  const auto* number = rev == nullptr ? nullptr : rev->as<std::uint64_t>();
  if (number == nullptr) return error_response(error_of(ErrorCode::internal, "a reply without its entry"));
  const EntityTag tag{epoch, Revision(*number)};
  HttpResponse response;
  if (has_already(request, tag)) {
    response.status = 304;
    response.content_type.clear();
  } else {
    response = json_response(200, *entry);
  }
  response.headers.emplace_back("ETag", entity_tag_text(tag));
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

// The first row of `namespaces` under a name is that name's own, if it was ever written.
HttpResponse row_response(const Value& tree, const std::string& ns) {
  const Value* rows = tree.find("namespaces");
  const auto* items = rows == nullptr ? nullptr : rows->as<Value::Array>();
  if (items != nullptr && !items->empty()) {
    const Value* name = items->front().find("ns");
    const auto* text = name == nullptr ? nullptr : name->as<std::string>();
    if (text != nullptr && *text == ns) return json_response(200, items->front());
  }
  return error_response(error_of(ErrorCode::not_found, "no such namespace"));
}

int status_of_put(const Value& tree) {
  const Value* version = tree.find("version");
  const auto* n = version == nullptr ? nullptr : version->as<std::uint64_t>();
  return n != nullptr && *n == 1 ? 201 : 200;
}

}  // namespace

HttpResponse response_of_reply(const HttpRequest& request, const RouteMatch& match,
                               std::string_view payload) {
  const auto reply = codec::decode_reply(payload);
  if (!reply) return error_response(reply.error());
  if (reply->error) {
    Error error = *reply->error;
    if (error.field == "under" && match.route->answer == Answer::row)
      error.field = "ns";  // as the path calls it
    return error_response(error);
  }
  auto tree = reply_tree(payload);
  if (!tree) return error_response(tree.error());
  switch (match.route->answer) {
    case Answer::entry:
      return entry_response(request, std::move(*tree), reply->epoch);
    case Answer::row:
      return row_response(*tree, match.ns);
    case Answer::put:
      return json_response(status_of_put(*tree), *tree);
    default:
      return json_response(200, *tree);
  }
}

}  // namespace prismbus

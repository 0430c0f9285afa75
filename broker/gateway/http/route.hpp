// The routes of the gateway (section 8 of the contract), one row each: which operation of section 4 stands
// behind it, what its query and its body become, how its reply is shown. What a request means is said by the
// operation alone; a row only says how HTTP spells it. The OpenAPI document is written from these rows.
// Constant data and pure functions, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/gateway/http/http_message.hpp"

namespace prismbus {

struct QueryField {
  enum class Type : std::uint8_t {
    text,
    number,  // unsigned, 64 bits
    flag,    // true or false
    cursor,  // base64 of what a page gave as `after`
  };
  std::string_view name;
  Type type;
  std::string_view sentence;
  bool required = false;
};

enum class BodyKind : std::uint8_t {
  none,
  value,   // a JSON value: the `value` of the operation
  object,  // a JSON object: the operation's fields
};

// How what comes back is shown.
enum class Answer : std::uint8_t {
  reply,     // the operation's reply as it is
  entry,     // the entry alone, with its ETag
  put,       // the reply; 201 when the key is new
  row,       // the row of the one namespace
  snapshot,  // streamed, a line an entry
  metrics,   // the figures as Prometheus reads them
  health,
  live,
  ready,
  openapi,
  socket,   // a WebSocket: 426 for who asks for none
  console,  // a file of the console
};

enum class Writes : std::uint8_t {
  nothing,
  key,   // one, and If-Match and If-None-Match are about it
  more,  // under conditions of its own
};

struct Route {
  Verb verb;
  std::string_view path;  // `{ns}` and `{file}` are one segment, `{key}` all that are left
  std::string_view op;    // of section 4; empty: the gateway answers by itself
  Writes writes;
  Answer answer;
  BodyKind body;
  std::span<const QueryField> query;
  std::string_view sentence;
};

[[nodiscard]] std::span<const Route> routes();

// Where a path leads, and what stands for `{ns}`, `{key}` and `{file}` there (decoded).
struct RouteMatch {
  const Route* route = nullptr;  // null: none for this verb
  std::string ns, key, file;
  bool has_key = false;
  std::vector<Verb> verbs;  // that this path has; empty: there is no such path
};

// HEAD is taken as GET.
[[nodiscard]] RouteMatch find_route(Verb verb, std::span<const std::string> path);
// Of its path, as `Allow` tells them.
[[nodiscard]] std::string allowed_methods(const RouteMatch& match);

}  // namespace prismbus

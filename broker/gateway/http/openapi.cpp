#include "broker/gateway/http/openapi.hpp"

#include <fmt/format.h>

#include <set>

#include "broker/gateway/http/http_text.hpp"
#include "broker/gateway/http/route.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {
namespace {

class Members {
 public:
  Members& add(std::string_view name, Value value) {
    members_.push_back({Value::text(name), std::move(value)});
    return *this;
  }
  Members& add(std::string_view name, std::string_view text) { return add(name, Value::text(text)); }
  Members& add(std::string_view name, const char* text) { return add(name, Value::text(text)); }
  [[nodiscard]] Value take() { return Value::map(std::move(members_)); }

 private:
  Value::Map members_;
};

Value schema_of(QueryField::Type type) {
  switch (type) {
    case QueryField::Type::number:
      return Members().add("type", "integer").add("minimum", Value::number(0)).take();
    case QueryField::Type::flag:
      return Members().add("type", "boolean").take();
    case QueryField::Type::cursor:
      return Members().add("type", "string").add("contentEncoding", "base64").take();
    case QueryField::Type::text:
      break;
  }
  return Members().add("type", "string").take();
}

Value parameter(std::string_view name, std::string_view in, bool required, std::string_view sentence,
                Value schema) {
  return Members()
      .add("name", name)
      .add("in", in)
      .add("required", Value::boolean(required))
      .add("description", sentence)
      .add("schema", std::move(schema))
      .take();
}

Value parameters_of(const Route& route) {
  const Value text = Members().add("type", "string").take();
  Value::Array out;
  if (route.path.find("{ns}") != std::string_view::npos)
    out.push_back(parameter("ns", "path", true, "The namespace.", text));
  if (route.path.find("{key}") != std::string_view::npos)
    out.push_back(parameter("key", "path", true, "The key; may contain /.", text));
  if (route.path.find("{file}") != std::string_view::npos)
    out.push_back(parameter("file", "path", true, "As the page names it.", text));
  for (const QueryField& field : route.query)
    out.push_back(parameter(field.name, "query", field.required, field.sentence, schema_of(field.type)));
  if (!route.op.empty())
    out.push_back(parameter("epoch", "query", false,
                            "The history that revisions are of, 16 hex digits; else 410.", text));
  if (route.answer == Answer::entry || route.answer == Answer::console)
    out.push_back(parameter("If-None-Match", "header", false, "An ETag: 304 while it holds.", text));
  if (route.writes == Writes::key)
    out.push_back(parameter("If-Match", "header", false, "An ETag, or * for whatever is there.", text));
  if (route.answer == Answer::put)
    out.push_back(parameter("If-None-Match", "header", false, "*: only if the key is not there.", text));
  if (route.writes != Writes::nothing)
    out.push_back(parameter("Idempotency-Key", "header", false,
                            "The same write sent again with it is done once, within 30 minutes.", text));
  return Value::array(std::move(out));
}

Value json_content(Value schema) {
  return Members().add("application/json", Members().add("schema", std::move(schema)).take()).take();
}

std::vector<int> statuses_of(const Route& route) {
  switch (route.answer) {
    case Answer::put:
      return {200, 201};
    case Answer::entry:
    case Answer::console:
      return {200, 304};
    case Answer::health:
    case Answer::live:
    case Answer::ready:
      return {200, 503};
    case Answer::socket:
      return {101, 426};
    default:
      return {200};
  }
}

Value responses_of(const Route& route) {
  Members out;
  for (const int status : statuses_of(route)) {
    Members response;
    response.add("description", status == 503   ? "Not so; with the reasons."
                                : status == 304 ? "Unchanged."
                                : status == 101 ? "A WebSocket from here on."
                                : status == 426 ? "Asked without an upgrade."
                                                : "Done.");
    if (route.answer == Answer::snapshot)
      response.add("content", Members().add("application/x-ndjson", Members().take()).take());
    else if (route.answer == Answer::metrics)
      response.add("content", Members().add("text/plain", Members().take()).take());
    else if (route.answer == Answer::console && status != 304)
      response.add("content",
                   Members().add(route.path == "/" ? "text/html" : "*/*", Members().take()).take());
    else if (status != 304 && status != 101)
      response.add("content", json_content(Members().add("type", "object").take()));
    out.add(fmt::format("{}", status), response.take());
  }
  out.add("default", Members().add("$ref", "#/components/responses/Error").take());
  return out.take();
}

Value operation_of(const Route& route) {
  Members out;
  out.add("summary", route.sentence);
  out.add("parameters", parameters_of(route));
  if (route.body != BodyKind::none) {
    Members schema;
    if (route.body == BodyKind::object) schema.add("type", "object");
    out.add(
        "requestBody",
        Members().add("required", Value::boolean(true)).add("content", json_content(schema.take())).take());
  }
  out.add("responses", responses_of(route));
  return out.take();
}

Value paths() {
  Members out;
  std::set<std::string_view> told;
  for (const Route& first : routes()) {
    if (!told.insert(first.path).second) continue;
    Members verbs;
    for (const Route& route : routes()) {
      if (route.path == first.path) verbs.add(lower(name_of(route.verb)), operation_of(route));
    }
    out.add(first.path, verbs.take());
  }
  return out.take();
}

Value error_response_of_all() {
  Value::Array codes;
  for (const ErrorRow& row : kErrorTable) codes.push_back(Value::text(row.name));
  const Value code = Members().add("type", "string").add("enum", Value::array(std::move(codes))).take();
  const Value text = Members().add("type", "string").take();
  const Value error = Members()
                          .add("type", "object")
                          .add("properties", Members().add("code", code).add("message", text).take())
                          .take();
  return Members()
      .add("description", "Refused: what and why.")
      .add(
          "content",
          json_content(
              Members().add("type", "object").add("properties", Members().add("error", error).take()).take()))
      .take();
}

std::string written() {
  const Value bearer =
      Members().add("type", "http").add("scheme", "bearer").add("bearerFormat", "JWT").take();
  const Value components = Members()
                               .add("responses", Members().add("Error", error_response_of_all()).take())
                               .add("securitySchemes", Members().add("token", bearer).take())
                               .take();
  // Either a token, or, of a broker without security, nothing.
  Value::Array security;
  security.push_back(Members().add("token", Value::array({})).take());
  security.push_back(Members().take());
  return to_json(Members()
                     .add("openapi", "3.1.0")
                     .add("info", Members().add("title", "prismbus").add("version", "1").take())
                     .add("security", Value::array(std::move(security)))
                     .add("paths", paths())
                     .add("components", components)
                     .take()) +
         "\n";
}

}  // namespace

std::string openapi_text() {
  static const std::string text = written();
  return text;
}

}  // namespace prismbus

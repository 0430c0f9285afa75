#include "publisher/command/failure.hpp"

#include <fmt/format.h>

#include <cstring>

namespace prismbus::command {
namespace {

// What a person needs beside the broker's message and the context, where those do not say it.
std::string details(const Error& e, std::string_view context) {
  std::string out;
  const auto add = [&out](std::string text) { out += (out.empty() ? "" : ", ") + std::move(text); };
  const bool said = e.rev && e.message.find(fmt::format("{}", *e.rev)) != std::string::npos;
  if (e.code == ErrorCode::conflict && e.rev && !said) {
    add(*e.rev == 0 ? "it does not exist" : fmt::format("it is at rev {}", *e.rev));
  }
  const bool named = e.ns && e.key && context.ends_with(*e.ns + " " + *e.key);
  if (e.ns && e.key && !named) add(fmt::format("ns {} key {}", *e.ns, *e.key));
  if (e.index) add(fmt::format("item {}", *e.index));
  if (e.limit && e.size) add(fmt::format("{} of at most {}", *e.size, *e.limit));
  if (e.field) add(fmt::format("field {}", *e.field));
  if (e.path) add(fmt::format("at {}", *e.path));
  if (e.reason) add(*e.reason);
  if (e.floor) add(fmt::format("floor {}", *e.floor));
  if (e.incident) add(fmt::format("incident {}", *e.incident));
  return out;
}

}  // namespace

tl::unexpected<Failure> failed(const Error& error, std::string_view context) {
  Failure f;
  f.exit = exit_for(error.code);
  f.error = error;
  const std::string more = details(error, context);
  f.error.message =
      fmt::format("{}{}{}: {}{}", context, context.empty() ? "" : ": ", error_row(error.code).name,
                  error.message, more.empty() ? "" : " (" + more + ")");
  return tl::unexpected<Failure>(std::move(f));
}

tl::unexpected<Failure> misused(std::string field, std::string message) {
  Failure f;
  f.exit = Exit::usage;
  f.error.code = ErrorCode::invalid_argument;
  f.error.message = field.empty() ? std::move(message) : fmt::format("{}: {}", field, message);
  if (!field.empty()) f.error.field = std::move(field);
  return tl::unexpected<Failure>(std::move(f));
}

tl::unexpected<Failure> failed_at_file(const Error& error, std::string_view context) {
  if (error.code == ErrorCode::invalid_argument || error.code == ErrorCode::too_large)
    return failed(error, context);
  Failure f{Exit::file, error};
  f.error.code = ErrorCode::invalid_argument;
  f.error.message = fmt::format("{}: {}", context, error.message);
  return tl::unexpected<Failure>(std::move(f));
}

tl::unexpected<Failure> file_failure(std::string_view path, std::string_view doing, int error_number) {
  Failure f;
  f.exit = Exit::file;
  f.error.code = ErrorCode::invalid_argument;
  f.error.message = fmt::format("{}: cannot {}: {}", path, doing, std::strerror(error_number));
  f.error.path = std::string(path);
  return tl::unexpected<Failure>(std::move(f));
}

Value error_value(const Failure& failure) {
  const Error& e = failure.error;
  Value::Map m;
  const auto text = [&m](std::string_view name, const std::optional<std::string>& s) {
    if (s) m.push_back({Value::text(name), Value::text(*s)});
  };
  const auto number = [&m](std::string_view name, const std::optional<std::uint64_t>& n) {
    if (n) m.push_back({Value::text(name), Value::number(*n)});
  };
  m.push_back({Value::text("code"), Value::text(error_row(e.code).name)});
  m.push_back({Value::text("message"), Value::text(e.message)});
  text("field", e.field);
  text("ns", e.ns);
  text("key", e.key);
  number("rev", e.rev);
  number("index", e.index);
  number("floor", e.floor);
  number("limit", e.limit);
  number("size", e.size);
  number("retry_after_ms", e.retry_after_ms);
  text("path", e.path);
  text("reason", e.reason);
  text("incident", e.incident);
  if (const auto* facts = failure.facts.as<Value::Map>()) m.insert(m.end(), facts->begin(), facts->end());
  return Value::map(std::move(m));
}

}  // namespace prismbus::command

#include "broker/gateway/http/http_target.hpp"

#include <algorithm>
#include <optional>

#include "broker/gateway/http/http_text.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kQueryMax = 64;  // parameters; no route has so many

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

// Calls `each` with the parts of `text` between separators; false from it ends the walk.
template <class Each>
bool split(std::string_view text, char separator, Each each) {
  for (;;) {
    const std::size_t at = text.find(separator);
    if (!each(text.substr(0, at))) return false;
    if (at == std::string_view::npos) return true;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

Result<HttpTarget> split_target(std::string_view target) {
  if (!target.starts_with('/')) return fail_field("target", "does not begin with /");
  if (target.find('#') != std::string_view::npos) return fail_field("target", "has a fragment");
  HttpTarget out;
  const std::size_t mark = target.find('?');
  const bool path_good = split(target.substr(1, mark == std::string_view::npos ? mark : mark - 1), '/',
                               [&](std::string_view segment) {
                                 auto decoded = percent_decoded(segment);
                                 if (decoded) out.path.push_back(std::move(*decoded));
                                 return decoded.has_value();
                               });
  if (!path_good) return fail_field("target", "a % that is not followed by two hex digits");
  if (mark == std::string_view::npos) return out;
  std::string twice;
  const bool query_good = split(target.substr(mark + 1), '&', [&](std::string_view pair) {
    if (pair.empty()) return true;
    const std::size_t equals = pair.find('=');
    auto name = percent_decoded(pair.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1));
    if (!name || !value || out.query.size() == kQueryMax) return false;
    const bool known =
        std::any_of(out.query.begin(), out.query.end(), [&](const auto& p) { return p.first == *name; });
    if (known) twice = is_utf8(*name) ? *name : "target";
    out.query.emplace_back(std::move(*name), std::move(*value));
    return !known;
  });
  if (!twice.empty()) return fail_field(twice, "stands twice in the query");
  if (out.query.size() == kQueryMax) return fail_field("target", "too many parameters");
  if (!query_good) return fail_field("target", "a % that is not followed by two hex digits");
  return out;
}

void to_origin_form(HttpRequest& request) {
  const std::string_view target = request.target;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return;
  const std::string name = lower(target.substr(0, scheme));
  if (name != "http" && name != "https") return;
  const std::string_view rest = target.substr(scheme + 3);
  const std::string authority(rest.substr(0, rest.find_first_of("/?#")));
  std::string path(rest.substr(authority.size()));
  if (!path.starts_with('/')) path.insert(0, 1, '/');
  request.target = std::move(path);
  for (auto& [header, value] : request.headers) {
    if (header == "host") value = authority;
  }
}

}  // namespace prismbus

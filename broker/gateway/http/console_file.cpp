#include "broker/gateway/http/console_file.hpp"

#include <algorithm>
#include <string>

#include "broker/gateway/http/entity_tag.hpp"
#include "broker/gateway/http/number_text.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "proto/base/hash.hpp"

namespace prismbus {
namespace {

// Nothing but our own scripts runs, nothing is loaded from or sent to elsewhere, nobody frames the page: were
// a value ever shown as markup, it could still do nothing.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

}  // namespace

HttpResponse console_response(const HttpRequest& request, std::string_view name) {
  const auto files = console_files();
  const auto file = std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.name == name; });
  if (file == files.end()) return error_response(error_of(ErrorCode::not_found, "no such file"));
  const std::string tag = "\"" + hex_text(xxh3_64(file->content)) + "\"";
  HttpResponse response;
  if (has_already(request, tag)) {
    response.status = 304;
    response.content_type.clear();
  } else {
    response.content_type = content_type_of(name);
    response.body = file->content;
  }
  // Weak: packed or not, it is one content.
  response.headers = {{"ETag", "W/" + tag},
                      {"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", std::string(kPolicy)},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  return response;
}

}  // namespace prismbus

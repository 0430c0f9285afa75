// The files of the console as they are answered: their types, their tags, what the browser is told to keep
// to.
#include "broker/gateway/http/console_file.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "broker/gateway/http/exchange.hpp"

using namespace prismbus;

namespace {

std::string header_of(const HttpResponse& response, std::string_view name) {
  const auto it = std::find_if(response.headers.begin(), response.headers.end(),
                               [&](const auto& header) { return header.first == name; });
  return it == response.headers.end() ? "" : it->second;
}
std::string_view content_of(std::string_view name) {
  const auto files = console_files();
  const auto it =
      std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
  return it == files.end() ? "" : it->content;
}

}  // namespace

TEST_CASE("every file of the console has a type, its content and a tag of its own") {
  std::set<std::string> tags;
  for (const ConsoleFile& file : console_files()) {
    INFO(file.name);
    const auto response = console_response({}, file.name);
    CHECK(response.status == 200);
    CHECK(response.body == file.content);
    CHECK_FALSE(response.body.empty());
    const std::string_view type = file.name.ends_with(".html")  ? "text/html; charset=utf-8"
                                  : file.name.ends_with(".css") ? "text/css; charset=utf-8"
                                  : file.name.ends_with(".svg") ? "image/svg+xml"
                                                                : "text/javascript; charset=utf-8";
    CHECK(response.content_type == type);
    CHECK(tags.insert(header_of(response, "ETag")).second);
  }
  CHECK(tags.size() > 20);
}

TEST_CASE("who has a file already is told so, whether it came packed or not") {
  const auto first = console_response({}, kConsolePage);
  const std::string tag = header_of(first, "ETag");
  REQUIRE(tag.starts_with("W/\""));
  for (const std::string& given : {tag, tag.substr(2), "\"x\", " + tag}) {
    HttpRequest request;
    request.headers = {{"if-none-match", given}};
    const auto again = console_response(request, kConsolePage);
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(header_of(again, "ETag") == tag);
  }
  HttpRequest other;
  other.headers = {{"if-none-match", "\"0000000000000000\""}};
  CHECK(console_response(other, kConsolePage).status == 200);
}

TEST_CASE("the page may load and ask nothing but what is here") {
  const std::string policy = header_of(console_response({}, kConsolePage), "Content-Security-Policy");
  for (const char* rule :
       {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"})
    CHECK(policy.find(rule) != std::string::npos);
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(header_of(console_response({}, kConsolePage), "Referrer-Policy") == "no-referrer");
}

TEST_CASE("whatever the page and its modules name is there") {
  std::set<std::string> named;
  for (const ConsoleFile& file : console_files()) {
    for (const std::string_view before : {"from \"./", "\"/console/"}) {
      for (std::size_t at = file.content.find(before); at != std::string_view::npos;
           at = file.content.find(before, at + 1)) {
        const std::size_t begin = at + before.size();
        named.emplace(file.content.substr(begin, file.content.find('"', begin) - begin));
      }
    }
  }
  CHECK(named.size() == console_files().size() - 1);  // all but the page itself
  for (const std::string& name : named) {
    INFO(name);
    CHECK_FALSE(content_of(name).empty());
  }
}

TEST_CASE("the console is at the root, and a name that is no file of it is not there") {
  const auto asked = [](std::string target) {
    HttpRequest request{Verb::get, std::move(target), {}, {}};
    return std::get<HttpResponse>(open_exchange(request, {})->begin());
  };
  CHECK(asked("/").body == content_of(kConsolePage));
  CHECK(asked("/console/app.mjs").body == content_of("app.mjs"));
  CHECK(asked("/?x=1").status == 200);
  for (const char* target : {"/console/", "/console", "/console/nothing.mjs", "/console/..%2Findex.html",
                             "/console/a/app.mjs", "/index.html"}) {
    INFO(target);
    CHECK(asked(target).status == 404);
  }
}

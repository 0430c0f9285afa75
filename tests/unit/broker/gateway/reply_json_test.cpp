#include "broker/gateway/http/reply_json.hpp"

#include <catch2/catch.hpp>

#include "broker/gateway/http/gzip.hpp"
#include "proto/json/json_value.hpp"

using namespace prismbus;

namespace {
std::string shown(std::string_view json) {
  const auto tree = reply_tree(to_message_pack(*from_json(json)));
  return tree ? to_json(*tree) : tree.error().message;
}
}  // namespace

TEST_CASE("epoch, run and hash of the contract's own maps are hex text; names and values are let be") {
  CHECK(shown(R"({"epoch":255,"run":1,"rev":2})") ==
        R"({"epoch":"00000000000000ff","run":"0000000000000001","rev":2})");
  CHECK(shown(R"({"heads":{"hash":{"seq":1,"hash":16}}})") ==
        R"({"heads":{"hash":{"seq":1,"hash":"0000000000000010"}}})");
  CHECK(shown(R"({"sets":[{"ns":"a","epoch":1,"changes":[{"value":{"hash":1}}]}]})") ==
        R"({"sets":[{"ns":"a","epoch":"0000000000000001","changes":[{"value":{"hash":1}}]}]})");
  CHECK(shown(R"({"seqs":{"hash":5,"epoch":6}})") == R"({"seqs":{"hash":5,"epoch":6}})");
  CHECK(shown(R"({"subscribers":[{"applied":{"run":5},"labels":{"hash":"x"}}]})") ==
        R"({"subscribers":[{"applied":{"run":5},"labels":{"hash":"x"}}]})");
  CHECK(shown(R"({"entry":{"value":{"epoch":{"run":1}}}})") == R"({"entry":{"value":{"epoch":{"run":1}}}})");
}

TEST_CASE("an error has the status of its code, and says what HTTP has a header for") {
  const HttpResponse busy = error_response(overloaded("full", 1500));
  CHECK(busy.status == 429);
  CHECK(busy.headers == HttpHeaders{{"Retry-After", "2"}});
  CHECK(busy.body == "{\"error\":{\"code\":\"overloaded\",\"message\":\"full\",\"retry_after_ms\":1500}}\n");
  CHECK(error_response(error_of(ErrorCode::unauthenticated, "who")).headers ==
        HttpHeaders{{"WWW-Authenticate", "Bearer"}});
}

TEST_CASE("gzip is for who takes it") {
  for (const char* yes : {"gzip", "br, gzip", "gzip;q=0.1", "*", "deflate , gzip ; q=1"})
    CHECK(accepts_gzip(yes));
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"}) CHECK_FALSE(accepts_gzip(no));
}

// Requests of HTTP as the core hears them, and what becomes of its replies: the machine alone, no sockets.
#include "broker/gateway/http/exchange.hpp"

#include <catch2/catch.hpp>

#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"

using namespace prismbus;

namespace {

struct Trial {
  HttpRequest request;
  std::unique_ptr<Exchange> exchange;
  ExchangeStep step;

  Trial(Verb verb, std::string target, HttpHeaders headers = {}, std::string body = {}) {
    request = {verb, std::move(target), std::move(headers), std::move(body)};
    if (!request.body.empty())
      request.headers.emplace_back("content-type", "application/json; charset=utf-8");
    exchange = open_exchange(request, {.bus_age_ms = 3, .takes_writes = true});
    step = exchange->begin();
  }
  std::string asked() const {
    const auto* ask = std::get_if<Ask>(&step);
    return ask == nullptr ? "nothing" : to_json(*from_message_pack(ask->payload));
  }
  const HttpResponse& response() const {
    REQUIRE(std::holds_alternative<HttpResponse>(step));
    return std::get<HttpResponse>(step);
  }
  void reply(std::string payload) { step = exchange->on_reply(payload); }
};

codec::ReplyHead head() {
  return {{}, Epoch(0xab), Revision(9)};
}
std::string entry_reply() {
  return codec::encode_entry_reply(head(), {"a", "k", "\x07", Revision(5), Revision(5), 1, Wall{}, "me"});
}
std::string refusal(ErrorCode code) {
  return codec::encode_error_reply(head(), error_of(code, "no"));
}

}  // namespace

TEST_CASE("a read asks what the operation takes, each parameter in its type") {
  CHECK(Trial(Verb::get, "/api/v1/config/a.b/x/y?at=7&consistency=local").asked() ==
        R"({"op":"get","ns":"a.b","key":"x/y","at":7,"consistency":"local"})");
  CHECK(Trial(Verb::get, "/api/v1/config/a/list?subtree=true&after=AAE=&limit=3").asked() ==
        R"({"op":"list","ns":"a","subtree":true,"after":{"$bin":"AAE="},"limit":3})");
  CHECK(Trial(Verb::get, "/api/v1/changes/a?since=4&limit=2").asked() ==
        R"({"op":"changes","since":{"a":4},"limit":2})");
  CHECK(Trial(Verb::get, "/api/v1/changes/a?subtree=true&since_rev=4").asked() ==
        R"({"op":"changes","under":"a","since_rev":4})");
  CHECK(Trial(Verb::get, "/status", {{"authorization", "bEARER t.o.k"}}).asked() ==
        R"({"op":"status","token":"t.o.k"})");
}

TEST_CASE("a write brings its value, its note, its condition and its request id") {
  CHECK(Trial(Verb::put, "/api/v1/config/a/k?note=why", {{"if-match", "\"00000000000000ab-5\""}}, "[1.0]")
            .asked() ==
        R"({"op":"put","epoch":171,"ns":"a","key":"k","note":"why","value":[1.0],"if_rev":5})");
  CHECK(Trial(Verb::put, "/api/v1/config/a/k",
              {{"if-none-match", "*"}, {"idempotency-key", "00000000000000ff-3"}}, "1")
            .asked() ==
        R"({"op":"put","ns":"a","key":"k","value":1,"req":[{"$bin":"AAAAAAAAAP8="},3],"if_rev":0})");
  CHECK(Trial(Verb::post, "/api/v1/rollback/a", {}, R"({"to":3})").asked() ==
        R"({"op":"rollback","ns":"a","to":3})");
}

TEST_CASE("whatever names a revision may say of which history it is") {
  CHECK(Trial(Verb::get, "/api/v1/config/a/k?at=7&epoch=00000000000000ab").asked() ==
        R"({"op":"get","epoch":171,"ns":"a","key":"k","at":7})");
  CHECK(Trial(Verb::post, "/api/v1/rollback/a", {}, R"({"to":3,"epoch":"00000000000000ab"})").asked() ==
        R"({"op":"rollback","epoch":171,"ns":"a","to":3})");
}

TEST_CASE("a header that decides and stands twice is refused") {
  for (const char* name : {"if-match", "authorization", "idempotency-key", "content-type", "origin"}) {
    INFO(name);
    CHECK(Trial(Verb::put, "/api/v1/config/a/k", {{name, "x"}, {name, "y"}}, "1").response().status == 400);
  }
}

TEST_CASE("what is wrong with the spelling is answered without asking") {
  const auto refused = [](Verb verb, const char* target, const char* body = "") {
    return Trial(verb, target, {}, body).response().status;
  };
  CHECK(refused(Verb::get, "/nowhere") == 404);
  CHECK(refused(Verb::other, "/status") == 405);
  CHECK(refused(Verb::get, "/api/v1/config/a/k?at=-1") == 400);
  CHECK(refused(Verb::get, "/api/v1/config/a/k?at=18446744073709551616") == 400);
  CHECK(refused(Verb::get, "/api/v1/config/a/..") == 400);
  CHECK(refused(Verb::put, "/api/v1/config/a/k") == 415);
  CHECK(refused(Verb::put, "/api/v1/config/a/k", "{") == 400);
  CHECK(refused(Verb::post, "/api/v1/txn", "7") == 400);
  CHECK(refused(Verb::post, "/api/v1/rollback/a", R"({"to":3,"epoch":7})") == 400);
  CHECK(refused(Verb::get, "/status?%FF=1") == 400);
}

TEST_CASE("an entry is shown alone, or not at all to who has it") {
  Trial t(Verb::get, "/api/v1/config/a/k");
  t.reply(entry_reply());
  CHECK(t.response().status == 200);
  CHECK(t.response().headers.front() ==
        std::pair<std::string, std::string>("ETag", "\"00000000000000ab-5\""));
  Trial again(Verb::get, "/api/v1/config/a/k", {{"if-none-match", "\"00000000000000ab-5\""}});
  again.reply(entry_reply());
  CHECK(again.response().status == 304);
  CHECK(again.response().body.empty());
}

TEST_CASE("If-Match: * reads, writes on that condition, and again when overtaken, but not for ever") {
  Trial t(Verb::put, "/api/v1/config/a/k", {{"if-match", "*"}}, "2");
  for (int i = 0; i < 16; ++i) {
    CHECK(t.asked() == R"({"op":"get","ns":"a","key":"k"})");
    t.reply(entry_reply());
    CHECK(t.asked() == R"({"op":"put","epoch":171,"ns":"a","key":"k","value":2,"if_rev":5})");
    t.reply(refusal(ErrorCode::conflict));
  }
  CHECK(t.response().status == 429);
  // What is not there is written on a condition that cannot hold: a request id that is known is answered so.
  Trial absent(Verb::del, "/api/v1/config/a/k", {{"if-match", "*"}});
  absent.reply(refusal(ErrorCode::not_found));
  CHECK(absent.asked() == R"({"op":"delete","epoch":171,"ns":"a","key":"k","if_rev":9})");
  absent.reply(refusal(ErrorCode::conflict));
  CHECK(absent.response().status == 409);
}

TEST_CASE("a snapshot whose first page is refused is an error; a later one ends the lines with it") {
  const auto namespaces = [] {
    std::string page = codec::begin_reply(head(), 2);
    codec::Writer out(page);
    out.name("namespaces");
    out.array(0);
    out.field("more", false);
    return page;
  };
  const auto entries = [](bool more) {
    std::string page = codec::begin_reply(head(), more ? 3 : 2);
    codec::Writer out(page);
    out.name("entries");
    out.array(0);
    out.field("more", more);
    if (more) out.name("after"), out.bin("c");
    return page;
  };
  Trial denied(Verb::get, "/api/v1/snapshot/a");
  denied.reply(namespaces());
  CHECK(denied.asked() == R"({"op":"list","epoch":171,"ns":"a","subtree":false,"at":9})");
  denied.reply(refusal(ErrorCode::permission_denied));
  CHECK(denied.response().status == 403);

  Trial broken(Verb::get, "/api/v1/snapshot/a?subtree=true");
  broken.reply(namespaces());
  broken.reply(entries(true));
  const auto* first = std::get_if<Streamed>(&broken.step);
  REQUIRE(first != nullptr);
  CHECK(first->text == "{\"epoch\":\"00000000000000ab\",\"rev\":9,\"heads\":{}}\n");
  CHECK_FALSE(first->ask.empty());
  broken.reply(refusal(ErrorCode::compacted));
  const auto* last = std::get_if<Streamed>(&broken.step);
  REQUIRE(last != nullptr);
  CHECK(last->ask.empty());
  CHECK(last->text.find("\"compacted\"") != std::string::npos);
}

TEST_CASE("a snapshot reads the heads again when a write came between their pages, and not for ever") {
  const auto page = [](std::uint64_t rev, const char* ns, std::uint64_t keys, bool more) {
    std::string out = codec::begin_reply({{}, Epoch(1), Revision(rev)}, more ? 3 : 2);
    codec::Writer writer(out);
    writer.name("namespaces");
    writer.array(1);
    codec::encode_namespace_row(writer, ns, Head{Seq(1), Revision(1)}, keys, 0, false);
    writer.field("more", more);
    if (more) writer.name("after"), writer.bin("c");
    return out;
  };
  Trial t(Verb::get, "/api/v1/snapshot/a?subtree=true");
  const std::string first = t.asked();
  for (std::uint64_t i = 1; i < 8; ++i) {
    t.reply(page(i, "a", 1, true));
    t.reply(page(i + 1, "a.b", 1, false));
    CHECK(t.asked() == first);
  }
  t.reply(page(9, "a", 1, true));
  t.reply(page(9, "a.b", 1, false));
  CHECK(t.asked() == R"({"op":"list","epoch":1,"ns":"a","subtree":true,"at":9})");
  // One of the two entries that the heads promise: what may be read has changed, and it is not whole.
  std::string entries = codec::begin_reply({{}, Epoch(1), Revision(9)}, 2);
  codec::Writer out(entries);
  out.name("entries");
  out.array(1);
  codec::encode_entry(out, {"a", "k", "\x07", Revision(5), Revision(5), 1, Wall{}, "me"});
  out.field("more", false);
  t.reply(entries);
  const auto* last = std::get_if<Streamed>(&t.step);
  REQUIRE(last != nullptr);
  CHECK(last->ask.empty());
  CHECK(last->text.find("\"end\"") == std::string::npos);
  CHECK(last->text.find("\"unavailable\"") != std::string::npos);

  Trial busy(Verb::get, "/api/v1/snapshot/a?subtree=true");
  for (std::uint64_t i = 1; i <= 8; ++i) {
    busy.reply(page(i, "a", 1, true));
    busy.reply(page(i + 1, "a.b", 1, false));
  }
  CHECK(busy.response().status == 429);
}

TEST_CASE("health is told from the pulse of the bus, without asking it") {
  const auto status = [](const char* path, GatewayFacts facts) {
    const HttpRequest request{Verb::get, path, {}, {}};
    const ExchangeStep step = open_exchange(request, facts)->begin();
    return std::get<HttpResponse>(step).status;
  };
  const GatewayFacts well{.bus_age_ms = 100, .takes_writes = true},
      stuck{.bus_age_ms = 60'000, .takes_writes = true};
  const GatewayFacts full{.bus_age_ms = 1}, ending{.bus_age_ms = 1, .takes_writes = false, .draining = true};
  CHECK(status("/health", well) == 200);
  CHECK(status("/health/live", stuck) == 503);
  CHECK(status("/health/ready", stuck) == 200);
  CHECK(status("/health", stuck) == 503);
  CHECK(status("/health/live", full) == 200);
  CHECK(status("/health/ready", full) == 503);
  CHECK(status("/health/ready", ending) == 503);
}

// /metrics: the table, the text made of it, what the gateway counts, and who is told what; no sockets.
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "broker/gateway/http/exchange.hpp"
#include "broker/gateway/http/http_meter.hpp"
#include "broker/gateway/http/metrics_text.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"

using namespace prismbus;
using std::chrono::microseconds;

namespace {

Value json(std::string_view text) {
  return *from_json(text, 10'000);
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

const Route* route_of(Verb verb, std::string_view path) {
  for (const Route& route : routes()) {
    if (route.verb == verb && route.path == path) return &route;
  }
  FAIL("no such route");
  return nullptr;
}

std::string reply_of(std::string_view fields) {
  codec::ReplyHead head{{}, Epoch(1), Revision(9)};
  const Value own = json(fields);
  std::string payload = codec::begin_reply(head, static_cast<std::uint32_t>(own.as<Value::Map>()->size()));
  for (const auto& [name, value] : *own.as<Value::Map>()) {
    payload += to_message_pack(name);
    payload += to_message_pack(value);
  }
  return payload;
}

struct Trial {
  HttpRequest request;
  HttpMeter meter;
  std::unique_ptr<Exchange> exchange;
  ExchangeStep step;

  explicit Trial(std::string target, std::uint64_t bus_age_ms = 3) {
    request = {Verb::get, std::move(target), {{"authorization", "Bearer t.o.k"}}, {}};
    meter.count({route_of(Verb::get, "/status"), Verb::get, 200, {}}, {});
    exchange = open_exchange(
        request, {.bus_age_ms = bus_age_ms, .takes_writes = true, .web_sockets = 2, .http = &meter});
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
  void reply(std::string_view fields) { step = exchange->on_reply(reply_of(fields)); }
};

}  // namespace

TEST_CASE("a figure is a sample; a star makes a label of the names below it") {
  const std::string text = metrics_text(json(R"({
    "server": "prismbus 1", "applied": 7, "uptime_ms": 1500, "read_only": true, "unheard-of": 4,
    "answers": {"get": {"ok": 3, "not_found": 1}}, "lanes": {"express": {"frames": 2, "bytes": 90}},
    "gateway": {"requests": {"/status": {"GET": {"200": 6}}}}})"));
  CHECK(has_line(text, R"(prismbus_build_info{server="prismbus 1"} 1)"));
  CHECK(has_line(text, "prismbus_applied_revision 7"));
  CHECK(has_line(text, "prismbus_uptime_seconds 1.5"));
  CHECK(has_line(text, "prismbus_read_only 1"));
  CHECK(has_line(text, R"(prismbus_requests_total{op="get",code="ok"} 3)"));
  CHECK(has_line(text, R"(prismbus_requests_total{op="get",code="not_found"} 1)"));
  CHECK(has_line(text, R"(prismbus_stream_bytes_total{lane="express"} 90)"));
  CHECK(has_line(text, R"(prismbus_http_requests_total{route="/status",method="GET",status="200"} 6)"));
  CHECK(text.find("unheard") == std::string::npos);
  CHECK(text.find("prismbus_folded_revision") == std::string::npos);
}

TEST_CASE("a histogram is told cumulative and in seconds; one of another form is left out") {
  const std::string text = metrics_text(json(R"({"latency_us": {
    "get": {"le": [50, 1000], "counts": [4, 0, 2], "sum": 2500000}, "write": {"le": [50], "counts": [1], "sum": 1},
    "read": {"le": [50], "counts": [1, "x"], "sum": 1}, "ack": 5}})"));
  CHECK(has_line(text, R"(prismbus_request_duration_seconds_bucket{class="get",le="5e-05"} 4)"));
  CHECK(has_line(text, R"(prismbus_request_duration_seconds_bucket{class="get",le="0.001"} 4)"));
  CHECK(has_line(text, R"(prismbus_request_duration_seconds_bucket{class="get",le="+Inf"} 6)"));
  CHECK(has_line(text, R"(prismbus_request_duration_seconds_count{class="get"} 6)"));
  CHECK(has_line(text, R"(prismbus_request_duration_seconds_sum{class="get"} 2.5)"));
  for (const char* other : {"write", "read", "ack"})
    CHECK(text.find(std::string("\"") + other) == std::string::npos);
}

TEST_CASE("each row has a name of its own, its unit's, and as many labels as stars") {
  std::set<std::string_view> names, figures;
  for (const MetricRow& row : metric_rows()) {
    CHECK(names.insert(row.name).second);
    CHECK(figures.insert(row.figure).second);
    CHECK(row.name.starts_with("prismbus_"));
    CHECK(row.name.ends_with("_total") == (row.type == MetricRow::Type::counter));
    const auto stars = std::count(row.figure.begin(), row.figure.end(), '*');
    CHECK(std::count_if(row.labels.begin(), row.labels.end(), [](auto l) { return !l.empty(); }) == stars);
    const bool is_time = row.figure.ends_with("_ms") || row.figure.ends_with("_us") ||
                         row.figure.find("_us.") != std::string_view::npos;
    if (is_time) {
      CHECK(row.name.find("_seconds") != std::string_view::npos);
      CHECK(row.per_unit > 1);
    }
  }
}

TEST_CASE("HTTP is counted by route, method and status, and lasts from the whole request on") {
  HttpMeter meter;
  const Steady start(std::chrono::hours(1));
  const Route* get = route_of(Verb::get, "/api/v1/config/{ns}/{key}");
  meter.count({get, Verb::get, 200, start}, start + microseconds(300));
  meter.count({get, Verb::head, 200, start}, start + microseconds(300));
  meter.count({get, Verb::get, 404, start}, start + microseconds(80));
  meter.count({route_of(Verb::post, "/api/v1/txn"), Verb::post, 409, start}, start + microseconds(7'000));
  meter.count({nullptr, Verb::other, 431, {}}, start);  // never read whole: no time of its own
  meter.count({nullptr, Verb::get, 0, start}, start);   // the peer went away
  meter.count_refused_connection();
  const Value figures = meter.figures();
  CHECK(to_json(*figures.find("requests")) ==
        R"({"/api/v1/config/{ns}/{key}":{"GET":{"200":1,"404":1},"HEAD":{"200":1}},)"
        R"("/api/v1/txn":{"POST":{"409":1}},"none":{"other":{"431":1}}})");
  CHECK(to_json(*figures.find("latency_us")->find("read")->find("sum")) == "680");
  CHECK(to_json(*figures.find("latency_us")->find("write")->find("sum")) == "7000");
  CHECK(to_json(*figures.find("latency_us")->find("none")->find("sum")) == "0");
  CHECK(to_json(*figures.find("refused_connections")) == "1");
}

TEST_CASE("paths and methods that nobody serves make no rows") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  HttpMeter meter;
  const auto series = [&] { return metrics_text(Value::map({{Value::text("gateway"), meter.figures()}})); };
  constexpr std::string_view kAlphabet = "/abcxyz{}.%0?&=nskey";
  std::set<std::string> lines;
  for (int i = 0; i < 1'000'000; ++i) {
    HttpRequest request;
    request.verb = static_cast<Verb>(random() % 7);
    if (i % 2 == 0) {
      request.target = "/api/v1/config/n" + std::to_string(random()) + "/k" + std::to_string(random());
    } else {
      request.target = "/";
      for (std::uint64_t n = random() % 12; n > 0; --n)
        request.target += kAlphabet[random() % kAlphabet.size()];
    }
    const auto exchange = open_exchange(request, {.takes_writes = true, .http = &meter});
    meter.count({exchange->route, request.verb, i % 3 == 0 ? 404 : 200, {}}, {});
    if (i != 100'000) continue;
    const std::string text = series();
    lines.insert(text);
  }
  const auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  CHECK(count(series()) == count(*lines.begin()));
  CHECK(count(series()) < 300);
}

TEST_CASE("metrics asks status and adds the gateway's own for an administrator") {
  Trial trial("/metrics");
  CHECK(trial.asked() == R"({"op":"status","token":"t.o.k"})");
  trial.reply(R"({"server":"s","read_only":false,"applied":3,"answers":{"get":{"ok":1}},
    "doors":{"sockets":4,"gateway":5}})");
  const std::string& text = trial.response().body;
  CHECK(has_line(text, R"(prismbus_http_requests_total{route="/status",method="GET",status="200"} 1)"));
  CHECK(has_line(text, "prismbus_bus_age_seconds 0.003"));
  for (const auto& [door, n] : {std::pair("sockets", 4), std::pair("gateway", 3), std::pair("websocket", 2)})
    CHECK(has_line(text, "prismbus_connections{door=\"" + std::string(door) + "\"} " + std::to_string(n)));
  CHECK(trial.response().content_type == kMetricsType);

  Trial of_anybody("/metrics");
  of_anybody.reply(R"({"server":"s","read_only":false})");
  CHECK(of_anybody.response().body.find("http") == std::string::npos);
}

TEST_CASE("figures by namespace are for an administrator of a broker that asks for tokens") {
  Trial trial("/metrics?namespaces=true&under=a.b");
  trial.reply(R"({"applied":3,"answers":{},"secured":true})");
  CHECK(trial.asked() == R"({"op":"namespaces","token":"t.o.k","under":"a.b","limit":200})");
  trial.reply(R"({"namespaces":[{"ns":"a.b","seq":5,"keys":2,"bytes":70}],"more":true})");
  CHECK(has_line(trial.response().body, R"(prismbus_namespace_change_sets_total{namespace="a.b"} 5)"));
  CHECK(has_line(trial.response().body, R"(prismbus_namespace_bytes{namespace="a.b"} 70)"));
  CHECK(has_line(trial.response().body, "prismbus_namespaces_left_out 1"));

  for (const char* status : {R"({"answers":{},"secured":false})", R"({"answers":{}})", R"({"server":"s"})"}) {
    Trial refused("/metrics?namespaces=true");
    refused.reply(status);
    CHECK(refused.response().status == 403);
  }
  Trial quiet("/metrics?namespaces=false");
  quiet.reply(R"({"answers":{},"secured":true})");
  CHECK(quiet.response().status == 200);
  for (const char* target : {"/metrics?namespaces=yes", "/metrics?namespaces", "/metrics?label=a"})
    CHECK(Trial(target).response().status == 400);
}

TEST_CASE("while the bus is stuck metrics tells how long, and asks nothing") {
  Trial trial("/metrics", 7'000);
  CHECK(trial.response().status == 200);
  CHECK(has_line(trial.response().body, "prismbus_bus_age_seconds 7"));
  CHECK(trial.response().body.find("http") == std::string::npos);
}

// What decode_request refuses: code, field, and the id that finds its asker.
#include <catch2/catch.hpp>
#include <string>

#include "proto/wire/codec/request.hpp"
#include "proto/wire/limits.hpp"
#include "tests/unit/proto/wire/json_bytes.hpp"

using namespace prismbus;
using codec::decode_request;
using testing::pack_json;
using testing::pack_text;

namespace {

codec::RefusedRequest refused(const std::string& payload) {
  const auto request = decode_request(payload);
  REQUIRE_FALSE(request);
  return request.error();
}

std::string map_of(int fields) {
  return std::string(1, static_cast<char>(0x80 | fields));
}

}  // namespace

TEST_CASE("a missing or mistyped field is invalid_argument with its path") {
  struct Row {
    const char *json, *field;
  };
  const Row rows[] = {
      {R"({"id":7})", "op"},
      {R"({"id":7,"op":5})", "op"},
      {R"({"id":7,"op":"get","key":"k"})", "ns"},
      {R"({"id":7,"op":"get","ns":"a"})", "key"},
      {R"({"id":7,"op":"get","ns":"a.","key":"k"})", "ns"},
      {R"({"id":7,"op":"get","ns":5,"key":"k"})", "ns"},
      {R"({"id":7,"op":"get","ns":{"$bin":"a"},"key":"k"})", "ns"},
      {R"({"id":7,"op":"get","ns":"a","key":""})", "key"},
      {R"({"id":7,"op":"get","ns":"a","key":"a\nb"})", "key"},
      {R"({"id":7,"op":"get","ns":"a","key":null})", "key"},
      {R"({"id":7,"op":"get","ns":"a","key":"k","at":-1})", "at"},
      {R"({"id":7,"op":"get","ns":"a","key":"k","at_time":"now"})", "at_time"},
      {R"({"id":7,"op":"get","ns":"a","key":"k","min_rev":1.0})", "min_rev"},
      {R"({"id":7,"op":"get","ns":"a","key":"k","consistency":"eventual"})", "consistency"},
      {R"({"id":7,"op":"get","ns":"a","key":"k","token":5})", "token"},
      {R"({"id":7,"op":"get","ns":"a","key":"k","epoch":null})", "epoch"},
      {R"({"id":7,"op":"mget","ns":"a"})", "keys"},
      {R"({"id":7,"op":"mget","ns":"a","keys":[]})", "keys"},
      {R"({"id":7,"op":"mget","ns":"a","keys":"k"})", "keys"},
      {R"({"id":7,"op":"mget","ns":"a","keys":["k","",5]})", "keys[1]"},
      {R"({"id":7,"op":"mget","ns":"a","keys":["k",5]})", "keys[1]"},
      {R"({"id":7,"op":"mget","ns":"a","keys":["k"],"limit":0})", "limit"},
      {R"({"id":7,"op":"list","ns":"a","subtree":1})", "subtree"},
      {R"({"id":7,"op":"list","ns":"a","values":"yes"})", "values"},
      {R"({"id":7,"op":"list","ns":"a","glob":"a\\"})", "glob"},
      {R"({"id":7,"op":"list","ns":"a","prefix":7})", "prefix"},
      {R"({"id":7,"op":"list","ns":"a","after":7})", "after"},
      {R"({"id":7,"op":"list","ns":"a","limit":-1})", "limit"},
      {R"({"id":7,"op":"namespaces","under":"a/"})", "under"},
      {R"({"id":7,"op":"put","ns":"a","key":"k"})", "value"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"if_rev":"x"})", "if_rev"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"note":5})", "note"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"req":5})", "req"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"req":["8 bytes!",1]})", "req"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"req":[{"$bin":"7 bytes"},1]})", "req"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"req":[{"$bin":"8 bytes!"},-1]})", "req"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"req":[{"$bin":"8 bytes!"}]})", "req"},
      {R"({"id":7,"op":"put","ns":"a","key":"k","value":1,"req":[{"$bin":"8 bytes!"},1,1]})", "req"},
      {R"({"id":7,"op":"delete","ns":"a"})", "key"},
      {R"({"id":7,"op":"txn"})", "do"},
      {R"({"id":7,"op":"txn","do":[]})", "do"},
      {R"({"id":7,"op":"txn","do":{}})", "do"},
      {R"({"id":7,"op":"txn","do":[5]})", "do[0]"},
      {R"({"id":7,"op":"txn","do":[{"op":"put","ns":"a","key":"k"}]})", "do[0].value"},
      {R"({"id":7,"op":"txn","do":[{"op":"swap","ns":"a","key":"k"}]})", "do[0].op"},
      {R"({"id":7,"op":"txn","do":[{"ns":"a","key":"k"}]})", "do[0].op"},
      {R"({"id":7,"op":"txn","do":[{"op":"delete","ns":"a","key":"k"},{"op":"delete","ns":"a","key":7}]})",
       "do[1].key"},
      {R"({"id":7,"op":"txn","do":[{"op":"delete","ns":"b","key":"k"},{"op":"delete","ns":"a","key":"k"},{"op":"put","ns":"b","key":"k","value":1}]})",
       "do[2]"},
      {R"({"id":7,"op":"txn","do":[{"op":"delete","ns":"a","key":"k"}],"if":[{"ns":"a","key":"k"}]})",
       "if[0].rev"},
      {R"({"id":7,"op":"txn","do":[{"op":"delete","ns":"a","key":"k"}],"if":7})", "if"},
      {R"({"id":7,"op":"snapshot"})", "ns"},
      {R"({"id":7,"op":"snapshot","ns":"a","under":"b"})", "ns"},
      {R"({"id":7,"op":"snapshot","ns":"a","max_bytes":0})", "max_bytes"},
      {R"({"id":7,"op":"changes"})", "since"},
      {R"({"id":7,"op":"changes","since":{}})", "since"},
      {R"({"id":7,"op":"changes","since":[]})", "since"},
      {R"({"id":7,"op":"changes","since":{"a/b":1}})", "since"},
      {R"({"id":7,"op":"changes","since":{"a.b":"x"}})", "since.a.b"},
      {R"({"id":7,"op":"changes","since":{"a":1},"under":"","since_rev":1})", "since"},
      {R"({"id":7,"op":"changes","under":"a"})", "since_rev"},
      {R"({"id":7,"op":"changes","since_rev":1})", "under"},
      {R"({"id":7,"op":"history","ns":"a"})", "key"},
      {R"({"id":7,"op":"history","ns":"a/","key":"k"})", "ns"},
      {R"({"id":7,"op":"history","ns":"a","key":"k","before":0})", "before"},
      {R"({"id":7,"op":"history","ns":"a","key":"k","before":"now"})", "before"},
      {R"({"id":7,"op":"history","ns":"a","key":"k","limit":0})", "limit"},
      {R"({"id":7,"op":"history","ns":"a","key":"k","after":7})", "after"},
      {R"({"id":7,"op":"diff","from":1,"to":0})", "ns"},
      {R"({"id":7,"op":"diff","ns":"a","to":0})", "from"},
      {R"({"id":7,"op":"diff","ns":"a","from":1})", "to"},
      {R"({"id":7,"op":"diff","ns":"a","from":-1,"to":0})", "from"},
      {R"({"id":7,"op":"diff","ns":"a","from":1,"to":null})", "to"},
      {R"({"id":7,"op":"diff","ns":"a","from":1,"to":0,"limit":0})", "limit"},
      {R"({"id":7,"op":"rollback","to":1})", "ns"},
      {R"({"id":7,"op":"rollback","ns":"a"})", "to"},
      {R"({"id":7,"op":"rollback","ns":"a","to":0})", "to"},
      {R"({"id":7,"op":"rollback","ns":"a","to":"1"})", "to"},
      {R"({"id":7,"op":"rollback","ns":"a","to":1,"key":""})", "key"},
      {R"({"id":7,"op":"rollback","ns":"a","to":1,"key":null})", "key"},
      {R"({"id":7,"op":"rollback","ns":"a","to":1,"req":[1,2]})", "req"},
      {R"({"id":7,"op":"rollback","ns":"a","to":1,"note":5})", "note"},
      {R"({"id":7,"op":"keys","ns":["a/"]})", "ns[0]"},
      {R"({"id":7,"op":"keys","ns":[""]})", "ns[0]"},
      {R"({"id":7,"op":"keys","under":"a"})", "under"},
      {R"({"id":7,"op":"keys","period":-1})", "period"},
      {R"({"id":7,"op":"audit","ns":"a/"})", "ns"},
      {R"({"id":7,"op":"audit","by":7})", "by"},
      {R"({"id":7,"op":"audit","since":"today"})", "since"},
      {R"({"id":7,"op":"backup"})", "name"},
      {R"({"id":7,"op":"backup","name":5})", "name"},
      {R"({"id":7,"op":"backup","name":""})", "name"},
      {R"({"id":7,"op":"backup","name":".hidden"})", "name"},
      {R"({"id":7,"op":"backup","name":"../up"})", "name"},
      {R"({"id":7,"op":"backup","name":"a/b"})", "name"},
      {R"({"id":7,"op":"backup","name":"two words"})", "name"},
      {R"({"id":7,"op":"hello","client":5})", "client"},
      {R"({"id":7,"op":"hello","client":{"name":5}})", "client.name"},
      {R"({"id":7,"op":"hello","client":{"instance":"two\nlines"}})", "client.instance"},
      {R"({"id":7,"op":"hello","client":{"labels":[]}})", "client.labels"},
      {R"({"id":7,"op":"hello","client":{"labels":{"a":1}}})", "client.labels"},
      {R"({"id":7,"op":"hello","follow":[]})", "follow"},
      {R"({"id":7,"op":"hello","follow":{"ns":["a","b/"]}})", "follow.ns[1]"},
      {R"({"id":7,"op":"hello","follow":{"ns":[""]}})", "follow.ns[0]"},
      {R"({"id":7,"op":"hello","follow":{"under":["",7]}})", "follow.under[1]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.json);
    const auto refusal = refused(pack_text(row.json));
    CHECK(refusal.error.code == ErrorCode::invalid_argument);
    CHECK(refusal.error.field == row.field);
    CHECK(refusal.id == MessageId{false, 7});
    CHECK_FALSE(refusal.error.message.empty());
  }
}

TEST_CASE("what is over a limit is too_large with limit, size and field") {
  struct Row {
    nlohmann::json message;
    const char* field;
    std::uint64_t limit, size;
  };
  using nlohmann::json;
  json names = json::array(), many = json::array(), since = json::object(), labels = json::object(),
       wide = json::object();
  for (int i = 0; i < 10'001; ++i) {
    names.push_back("n" + std::to_string(i));
    since["n" + std::to_string(i)] = 0;
    if (i < 1001) many.push_back({{"op", "delete"}, {"ns", "a"}, {"key", "k" + std::to_string(i)}});
    if (i < 33) labels["l" + std::to_string(i)] = "";
    if (i < 255) wide["w" + std::to_string(i)] = i;
  }
  json big = json::array();
  for (int i = 0; i < 5; ++i) {
    big.push_back(
        {{"op", "put"}, {"ns", "a"}, {"key", "k" + std::to_string(i)}, {"value", std::string(900'000, 'x')}});
  }
  json wide_message = wide;
  wide_message["op"] = "status";
  wide_message["id"] = 7;
  const Row rows[] = {
      {{{"op", "put"}, {"ns", "a"}, {"key", "k"}, {"value", 1}, {"note", std::string(1025, 'n')}},
       "note",
       1024,
       1025},
      {{{"op", "put"}, {"ns", "a"}, {"key", "k"}, {"value", {{"$nest", 33}}}}, "value", 32, 33},
      {{{"op", "put"}, {"ns", "a"}, {"key", "k"}, {"value", std::string(1u << 20, 'v')}},
       "value",
       1u << 20,
       (1u << 20) + 5},
      {{{"op", "rollback"}, {"ns", "a"}, {"to", 1}, {"note", std::string(1025, 'n')}}, "note", 1024, 1025},
      {{{"op", "mget"}, {"ns", "a"}, {"keys", names}}, "keys", 10'000, 10'001},
      {{{"op", "txn"}, {"do", many}}, "do", 1000, 1001},
      {{{"op", "txn"}, {"do", big}}, "do", 4u << 20, 5 * (900'000 + 5 + 2)},
      {{{"op", "changes"}, {"since", since}}, "since", 10'000, 10'001},
      {{{"op", "hello"}, {"follow", {{"under", names}}}}, "follow.under", 10'000, 10'001},
      {{{"op", "hello"}, {"client", {{"labels", labels}}}}, "client.labels", 32, 33},
      {{{"op", "hello"}, {"client", {{"name", std::string(256, 'n')}}}}, "client.name", 255, 256},
      {{{"op", "list"}, {"ns", "a"}, {"prefix", std::string(256, 'p')}}, "prefix", 255, 256},
      {wide_message, "payload", 256, 257},
  };
  for (auto row : rows) {
    CAPTURE(row.field);
    row.message["id"] = 7;
    const auto refusal = refused(pack_json(row.message));
    CHECK(refusal.error.code == ErrorCode::too_large);
    CHECK(refusal.error.field == row.field);
    CHECK(refusal.error.limit == row.limit);
    CHECK(refusal.error.size == row.size);
    CHECK(refusal.id == MessageId{false, 7});
  }
}

TEST_CASE("of a transaction with too many of them changes and requirements are told apart") {
  using nlohmann::json;
  const json change = {{"op", "delete"}, {"ns", "a"}, {"key", "k"}};
  json message = {{"id", 7}, {"op", "txn"}, {"do", json::array({change})}};
  for (int i = 0; i < 1001; ++i) message["if"].push_back({{"ns", "a"}, {"key", "k"}, {"rev", 1}});
  const auto refusal = refused(pack_json(message));
  CHECK(refusal.error.code == ErrorCode::too_large);
  CHECK(refusal.error.field == "if");
  CHECK(refusal.error.size == 1001);
  CHECK(refusal.error.message.find("too many requirements") != std::string::npos);
}

TEST_CASE("a request over 8 MiB is too_large and still answered to its id") {
  const auto payload = pack_json({{"a", std::string(8u << 20, 'x')}, {"id", 7}, {"op", "status"}});
  const auto refusal = refused(payload);
  CHECK(refusal.error.code == ErrorCode::too_large);
  CHECK(refusal.error.limit == limits::kMessageBytes);
  CHECK(refusal.error.size == payload.size());
  CHECK(refusal.id == MessageId{false, 7});
}

TEST_CASE("what is no map, cut short or followed by bytes is invalid_argument at the payload") {
  const std::string whole = pack_text(R"({"id":7,"op":"get","ns":"a","key":"k"})");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto refusal = refused(whole.substr(0, size));
    CHECK(refusal.error.code == ErrorCode::invalid_argument);
    CHECK(refusal.error.field == "payload");
  }
  const auto trailing = refused(whole + '\xc0');
  CHECK(trailing.error.field == "payload");
  CHECK(trailing.id == MessageId{false, 7});
  for (const auto& other : {std::string("\x05"), std::string("\x90"), std::string("\xc1"),
                            std::string("\xa2op"), std::string("\xdf\xff\xff\xff\xff"),
                            std::string("\xdd\xff\xff\xff\xff"), std::string(100'000, '\x91')}) {
    CHECK(refused(other).error.field == "payload");
  }
}

TEST_CASE("a name that stands twice is refused at the top, in nested maps and among unknown fields") {
  const auto twice = refused(map_of(3) + "\xa2id\x07\xa2op\xa6status\xa2op\xa6status");
  CHECK(twice.error.field == "op");
  CHECK(twice.id == MessageId{false, 7});
  CHECK(refused(map_of(3) + "\xa2op\xa6status\xa1x\x01\xa1x\x01").error.field == "x");
  CHECK(refused(map_of(2) +
                "\xa2op\xa5hello\xa6"
                "client" +
                map_of(2) +
                "\xa4name\xa1"
                "a\xa4name\xa1"
                "b")
            .error.field == "client.name");
  CHECK(refused(map_of(2) +
                "\xa2op\xa3txn\xa2"
                "do\x91" +
                map_of(2) + "\xa2op\xa3put\xa2op\xa3put")
            .error.field == "do[0].op");
  CHECK(refused(map_of(2) +
                "\xa2op\xa7"
                "changes\xa5since" +
                map_of(2) +
                "\xa1"
                "a\x01\xa1"
                "a\x02")
            .error.field == "since");
  CHECK(refused(map_of(2) +
                "\xa2op\xa5hello\xa6"
                "client" +
                map_of(1) + "\xa6labels" + map_of(2) +
                "\xa1"
                "a\xa0\xa1"
                "a\xa0")
            .error.field == "client.labels");
  auto wide = nlohmann::json::parse(R"({"op":"status"})");
  for (int i = 0; i < 20; ++i) wide["f" + std::to_string(i)] = i;
  std::string payload = pack_json(wide) +
                        "\xa2"
                        "f7\x01";
  payload[2] = static_cast<char>(payload[2] + 1);  // map16: one more field
  CHECK(refused(payload).error.field == "f7");
}

TEST_CASE("the id is kept wherever it can be read, and is 0 where it cannot") {
  CHECK(refused(map_of(2) + "\xa2op\x05\xa2id\xff").id == MessageId{true, ~0ull});
  CHECK(refused(map_of(2) + "\xa2id\xa1x\xa2op\xa6status").id == MessageId{});
  CHECK(refused(map_of(2) + "\xa2id\xa1x\xa2op\xa6status").error.field == "id");
  CHECK(refused(map_of(2) + std::string("\x05\x05\xa2id\x07")).id ==
        MessageId{false, 7});                                            // a name that is no string
  CHECK(refused(map_of(2) + "\xa2op\xc1\xa2id\x07").id == MessageId{});  // nothing is read past this byte
  const std::string deep = std::string(100'000, '\x91') + '\xc0';
  const auto refusal = refused(map_of(2) + "\xa1x" + deep + "\xa2id\x07");
  CHECK(refusal.error.code == ErrorCode::invalid_argument);
  CHECK(refusal.error.field == "payload");
  CHECK(refusal.id == MessageId{false, 7});
}

TEST_CASE("a message is at most 40 containers deep, unknown fields included") {
  const auto with_depth = [](std::size_t depth) {
    return map_of(2) + "\xa2op\xa6status\xa1x" + std::string(depth - 2, '\x91') + '\x90';
  };
  CHECK(decode_request(with_depth(40)));
  CHECK(refused(with_depth(41)).error.field == "payload");
}

TEST_CASE("a value that breaks its rules is refused at its own path") {
  const auto refusal = refused(map_of(2) +
                               "\xa2op\xa3txn\xa2"
                               "do\x91" +
                               map_of(4) +
                               "\xa2op\xa3put\xa2ns\xa1"
                               "a\xa3key\xa1k\xa5value\xa1\xff");
  CHECK(refusal.error.code == ErrorCode::invalid_argument);
  CHECK(refusal.error.field == "do[0].value");
  CHECK(refused(map_of(4) + "\xa2op\xa3put\xa2ns\xa1"
                            "a\xa3key\xa1k\xa5value\x82\x01\xc0\x01\xc0")
            .error.field == "value");
}

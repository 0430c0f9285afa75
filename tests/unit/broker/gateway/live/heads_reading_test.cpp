#include "broker/gateway/live/heads_reading.hpp"

#include "proto/json/json_value.hpp"
#include "tests/unit/broker/gateway/live/fake_core.hpp"

using namespace prismbus;
using namespace prismbus::testing;

namespace {

struct Reading {
  FakeCore core;
  LiveLog log;
  HeadsReading heads;
  explicit Reading(const std::string& ns, bool subtree) : heads(ns, subtree, std::nullopt) {}
  void write(const std::map<std::string, std::vector<std::string>>& what) { log.add(core.write(what)); }
  Result<bool> page() {
    return heads.on_reply(core.answer(heads.request()), log,
                          [this](std::string_view ns) { return !core.hidden.contains(std::string(ns)); });
  }
  [[nodiscard]] std::map<std::string, Seq> seqs() const {
    std::map<std::string, Seq> seqs;
    for (const auto& [ns, head] : heads.heads()) seqs[ns] = head.seq;
    return seqs;
  }
};

}  // namespace

TEST_CASE("heads of many pages, with writes between them, are those of the last page's revision (I3)") {
  Reading reading("a", true);
  reading.core.page = 2;
  for (const char* ns : {"a", "a.b", "a.c", "a.d", "ax"}) reading.write({{ns, {"k"}}});
  REQUIRE(reading.page() == false);
  reading.write(
      {{"a.b", {"k"}}, {"a.aa", {"new"}}, {"b", {"elsewhere"}}});  // read, born before the cursor, outside
  reading.core.hidden.insert("a.hidden");
  reading.write({{"a.hidden", {"k"}}});
  REQUIRE(reading.page() == true);
  CHECK(reading.heads.rev() == reading.core.rev());
  CHECK(reading.seqs() == reading.core.heads("a", true, reading.core.rev()));
  const auto json = from_json(reading.heads.json());
  REQUIRE(json);
  const Value* head = json->find("a.b");
  CHECK(*head->find("seq")->as<std::uint64_t>() == 2);
  CHECK(*head->find("rev")->as<std::uint64_t>() == 6);
  CHECK(*head->find("hash")->as<std::string>() == "0000000000000006");
}

TEST_CASE("a namespace that never was is at seq 0; one below it is not it") {
  Reading reading("a", false);
  reading.write({{"a.b", {"k"}}});
  REQUIRE(reading.page() == true);
  CHECK(reading.seqs() == std::map<std::string, Seq>{{"a", Seq()}});
}

TEST_CASE("where the log lost what is missing the reading begins again, and gives up at last") {
  Reading reading("", true);
  reading.core.page = 1;
  for (const char* ns : {"a", "b", "c"}) reading.write({{ns, {"k"}}});
  const auto lose = [&] {
    reading.core.write({{"a", {"k"}}});
    reading.log.miss(reading.core.rev());
  };
  REQUIRE(reading.page() == false);
  lose();
  REQUIRE(reading.page() == false);  // thrown away
  REQUIRE(reading.page() == false);
  REQUIRE(reading.page() == false);
  REQUIRE(reading.page() == true);
  CHECK(reading.seqs() == reading.core.heads("", true, reading.core.rev()));

  Reading hopeless("", true);
  hopeless.core.page = 1;
  for (const char* ns : {"a", "b", "c"}) hopeless.write({{ns, {"k"}}});
  for (int n = 0;; ++n) {
    const auto done = hopeless.page();
    if (!done) {
      CHECK(done.error().code == ErrorCode::overloaded);
      CHECK(done.error().retry_after_ms);
      break;
    }
    REQUIRE(n < 100);
    if (n % 2 == 0) {
      hopeless.core.write({{"a", {"k"}}});
      hopeless.log.miss(hopeless.core.rev());
    }
  }
}

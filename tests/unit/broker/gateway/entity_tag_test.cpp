#include "broker/gateway/http/entity_tag.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {
HttpRequest with(HttpHeaders headers) {
  HttpRequest request;
  request.headers = std::move(headers);
  return request;
}
}  // namespace

TEST_CASE("an ETag is written and read again") {
  for (const EntityTag tag : {EntityTag{Epoch(0), Revision(1)}, EntityTag{Epoch(~0ULL), Revision(~0ULL)}})
    CHECK(parse_entity_tag(entity_tag_text(tag)) == tag);
  CHECK(entity_tag_text({Epoch(0xab), Revision(7)}) == "\"00000000000000ab-7\"");
}

TEST_CASE("what is no ETag of ours is none") {
  for (const char* bad :
       {"", "\"", "\"\"", "00000000000000ab-7", "\"00000000000000ab\"", "\"00000000000000ab-\"",
        "\"00000000000000ab-x\"", "\"0000000000000zab-7\"", "W/\"00000000000000ab-7\"",
        "\"00000000000000ab-99999999999999999999\"", "\"-0000000000000ab-7\"", "\"00000000000000ab-0\""}) {
    INFO(bad);
    CHECK_FALSE(parse_entity_tag(bad));
  }
}

TEST_CASE("a reader has an entry already when any of its tags is that one, weak or not") {
  const EntityTag tag{Epoch(1), Revision(2)};
  const std::string text = entity_tag_text(tag);
  CHECK(has_already(with({{"if-none-match", text}}), tag));
  CHECK(has_already(with({{"if-none-match", "\"x\" ,\tW/" + text}}), tag));
  CHECK(has_already(with({{"if-none-match", "*"}}), tag));
  CHECK_FALSE(has_already(with({{"if-none-match", "\"x\", y"}}), tag));
  CHECK_FALSE(has_already(with({}), tag));
}

TEST_CASE("a write is unconditional, for nothing there, for anything there, or for one revision") {
  using What = Precondition::What;
  CHECK(precondition_of(with({}))->what == What::nothing);
  CHECK(precondition_of(with({{"if-none-match", " * "}}))->what == What::absent);
  CHECK(precondition_of(with({{"if-match", "*"}}))->what == What::present);
  const auto exactly = precondition_of(with({{"if-match", "\"00000000000000ab-7\""}}));
  REQUIRE(exactly);
  CHECK(exactly->what == What::exactly);
  CHECK(exactly->tag == EntityTag{Epoch(0xab), Revision(7)});
  CHECK(precondition_of(with({{"if-match", "x"}})).error().field == "If-Match");
  CHECK(precondition_of(with({{"if-none-match", "\"x\""}})).error().field == "If-None-Match");
  CHECK(precondition_of(with({{"if-match", "*"}, {"if-none-match", "*"}})).error().field == "If-None-Match");
}

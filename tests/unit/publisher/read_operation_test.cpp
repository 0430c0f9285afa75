#include <catch2/catch.hpp>

#include "proto/client/reads.hpp"
#include "publisher/operation.hpp"
#include "tests/unit/proto/transport/entry_pages.hpp"

using namespace prismbus;

TEST_CASE("a batch read teaches the outbox what revisions its keys are at") {
  auto asked = ask_mget("a", {"x", "y"}, {});
  const auto operation = make_read(std::move(asked.read));
  const std::string payload = entries_reply({{}, Epoch(7), Revision(9)},
                                            {entry_of("a", "x", "\x01", Revision(4)), std::nullopt}, "more");
  const auto reply = codec::decode_reply(payload);
  REQUIRE(reply);
  KnownRevisions known;
  operation->learn(*reply, known);
  REQUIRE(known.find("a", "x"));
  CHECK(known.find("a", "x")->rev == Revision(4));
  CHECK(known.find("a", "x")->epoch == Epoch(7));
  CHECK_FALSE(known.find("a", "y"));
  // The next page is bound to the history the cursor is of.
  CHECK_FALSE(operation->with_epoch);
  CHECK_FALSE(operation->finish(*reply));
  CHECK(operation->with_epoch);
  CHECK(operation->epoch == Epoch(7));
  operation->fail_with(fail(ErrorCode::unavailable, "over").value());
}

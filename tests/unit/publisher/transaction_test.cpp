// The builder keeps what it is told, in order.
#include "publisher/transaction.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

TEST_CASE("a transaction keeps its changes in order and counts their bytes") {
  Transaction t;
  t.put("a", "k", 1).remove("b", "key").require("c", "x", Revision(7)).note("why");
  REQUIRE(t.size() == 2);
  CHECK(t.changes()[0].value == encode_value(1));
  CHECK(t.changes()[1].op == ChangeOp::del);
  CHECK(t.bytes() == 1 + 1 + 3);
  CHECK(t.requirements()[0].rev == Revision(7));
  CHECK(t.note_text() == "why");
}

#include "publisher/command/documents/difference.hpp"

#include <catch2/catch.hpp>

#include "publisher/command/terminal/suggestion.hpp"

using namespace prismbus;
using namespace prismbus::command;

TEST_CASE("a comparison tells added, changed and removed keys in key order, and leaves equal ones out") {
  const std::map<std::string, Current> current{{"a", {Value::number(1), Revision(1)}},
                                               {"b", {Value::number(2), Revision(2)}},
                                               {"c", {Value::real(3), Revision(3)}},
                                               {"e", {Value::number(5), Revision(5)}}};
  const KeyValues wanted{{"b", Value::number(2)}, {"c", Value::number(3)}, {"d", Value::number(4)}};
  const auto d = compare(current, wanted);
  REQUIRE(d.size() == 4);
  CHECK((d[0].kind == DifferenceKind::removed && d[0].key == "a" && d[0].rev == Revision(1)));
  CHECK(
      (d[1].kind == DifferenceKind::changed && d[1].key == "c" && d[1].rev == Revision(3)));  // 3.0 is not 3
  CHECK((d[2].kind == DifferenceKind::added && d[2].key == "d" && d[2].rev == Revision(0)));
  CHECK((d[3].kind == DifferenceKind::removed && d[3].key == "e"));
  CHECK((d[1].before == Value::real(3) && d[1].after == Value::number(3)));
}

TEST_CASE("maps in another order are no difference") {
  const Value ab = Value::map({{Value::text("a"), Value::nil()}, {Value::text("b"), Value::nil()}});
  const Value ba = Value::map({{Value::text("b"), Value::nil()}, {Value::text("a"), Value::nil()}});
  CHECK(compare({{"k", {ab, Revision(1)}}}, {{"k", ba}}).empty());
}

TEST_CASE("the closest word is suggested, and nothing when none is close") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("watch", "wathc") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  const std::vector<std::string_view> words{"put", "get", "delete", "list", "namespaces", "import", "export"};
  CHECK(closest("delte", words) == "delete");
  CHECK(closest("namespace", words) == "namespaces");
  CHECK(closest("improt", words) == "import");
  CHECK_FALSE(closest("frobnicate", words));
}

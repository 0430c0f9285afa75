#include "subscriber/view/view.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <type_traits>

#include "tests/unit/subscriber/bound_namespace.hpp"

using namespace prismbus;
using Put = BoundNamespace;

TEST_CASE("a namespace of a view is listed in order of keys, by prefix and by glob") {
  BoundNamespace n;
  n.write(
      {Put::put("spot/BTC", 1), Put::put("spot/ETH", 2), Put::put("perp/BTC", 3), Put::put("spot/BTC/x", 4)});
  const View view = n.store.view();
  const auto in = view.in("n");
  const auto keys = [&](const KeyFilter& filter) {
    std::string out;
    const auto listed = in->list(filter);
    REQUIRE(listed);
    for (const auto& each : *listed) {
      out += std::string(each.key) + "=" + std::to_string(*each.value.as<int>()) + " ";
    }
    return out;
  };
  CHECK(keys({}) == "perp/BTC=3 spot/BTC=1 spot/BTC/x=4 spot/ETH=2 ");
  CHECK(keys({"spot/", ""}) == "spot/BTC=1 spot/BTC/x=4 spot/ETH=2 ");
  CHECK(keys({"", "*/BTC"}) == "perp/BTC=3 spot/BTC=1 ");
  CHECK(keys({"spot/", "**/?TH"}) == "spot/ETH=2 ");
  CHECK(keys({"none", ""}).empty());
  const auto wrong = in->list({"", "a\\"});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().field == "glob");
}

TEST_CASE("many keys of a view are read at once, absent ones as nothing") {
  BoundNamespace n;
  n.write({Put::put("a", 1), Put::put("b", 2)});
  const View view = n.store.view();
  const std::array<std::string_view, 3> keys{"b", "absent", "a"};
  std::array<std::optional<ValueView>, 3> found;
  view.in("n")->get_many(keys, found);
  CHECK(found[0]->as<int>() == 2);
  CHECK_FALSE(found[1]);
  CHECK(found[2]->as<int>() == 1);
  CHECK(found[2]->rev == Revision(10));
  CHECK(found[2]->version == 1);
}

TEST_CASE("text is read with a literal as its default, and the result does not lend from the view") {
  BoundNamespace n;
  n.write({Put::put("name", std::string("Bitcoin")), Put::put("number", 2)});
  const auto read = [&](std::string_view key) { return n.store.view().get_or("n", key, "none"); };
  static_assert(std::is_same_v<decltype(read("name")), std::string>);
  CHECK(read("name") == "Bitcoin");
  CHECK(read("absent") == "none");
  CHECK(read("number") == "none");  // another type
  CHECK(n.store.view().in("n")->get_or("name", "none") == "Bitcoin");
}

#include "publisher/command/import_plan.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using namespace prismbus::command;

namespace {
const Value kOne = Value::number(1), kTwo = Value::number(2);
std::map<std::string, Current> at_broker(std::initializer_list<const char*> keys) {
  std::map<std::string, Current> out;
  for (const char* key : keys) out[key] = {kOne, Revision(7)};
  return out;
}
}  // namespace

TEST_CASE("an import deletes only when it is told to prune") {
  const KeyValues wanted{{"a", kOne}, {"b", kTwo}, {"c", kOne}};
  const auto kept = plan_import(at_broker({"a", "b", "x", "y"}), wanted, Prune::no, Nesting::by_slashes);
  REQUIRE(kept);
  CHECK((kept->added == 1 && kept->changed == 1 && kept->removed == 0 && kept->unchanged == 1 &&
         kept->kept == 2));
  CHECK(kept->changes.size() == 2);
  const auto pruned = plan_import(at_broker({"a", "b", "x", "y"}), wanted, Prune::yes, Nesting::by_slashes);
  REQUIRE(pruned);
  CHECK((pruned->removed == 2 && pruned->kept == 0 && pruned->changes.size() == 4));
}

TEST_CASE("an import that would leave a key below another one is refused") {
  const auto refused = plan_import(at_broker({"a"}), {{"a/b", kOne}}, Prune::no, Nesting::by_slashes);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().exit == Exit::usage);
  CHECK(refused.error().error.message.find("--prune") != std::string::npos);
  CHECK_FALSE(plan_import(at_broker({"a/b"}), {{"a", kOne}}, Prune::no, Nesting::by_slashes));
  CHECK(plan_import(at_broker({"a"}), {{"a/b", kOne}}, Prune::yes, Nesting::by_slashes));
  CHECK(plan_import(at_broker({"a"}), {{"a/b", kOne}}, Prune::no, Nesting::flat));
  CHECK(plan_import(at_broker({"a", "a/b"}), {{"c", kOne}}, Prune::no,
                    Nesting::by_slashes));  // as it was before
}

TEST_CASE("changes are cut into as few transactions as the limits allow, each on top of what was compared") {
  std::vector<Difference> changes;
  for (int i = 0; i < 25; ++i) {
    changes.push_back({DifferenceKind::added, "k" + std::to_string(100 + i), std::nullopt, kOne, Revision()});
  }
  changes.push_back({DifferenceKind::removed, "z", kOne, std::nullopt, Revision(9)});
  const auto by_count = cut_into_transactions("ns", changes, {10, 1'000'000});
  REQUIRE(by_count.size() == 3);
  CHECK((by_count[0].size() == 10 && by_count[2].size() == 6));
  CHECK(by_count[2].requirements().back().rev == Revision(9));
  CHECK(by_count[0].requirements()[0].rev == Revision(0));
  const auto by_bytes = cut_into_transactions("ns", changes, {1000, 40});
  CHECK(by_bytes.size() > 3);
  for (const Transaction& t : by_bytes) CHECK(t.bytes() <= 40);
  const auto alone = cut_into_transactions("ns", changes, {1000, 1});
  CHECK(alone.size() == changes.size());
  CHECK(cut_into_transactions("ns", {}, {10, 10}).empty());
}

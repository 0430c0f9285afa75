// Who is asked about a change, and what of the answer reaches a broker.
#include "subscriber/sync/validator_set.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

using namespace prismbus;

namespace {

Validator refusing(std::string reason, std::optional<std::string> ns, std::string keys = "**") {
  return {
      "v", std::move(ns), {}, std::move(keys), [reason](const ProposedChange&) -> std::optional<std::string> {
        return reason;
      }};
}

ProposedChange change_of(std::string_view ns, std::string_view key) {
  return {ns, key, {}, {}, Seq(1), Revision(1), {}};
}

std::string field_of(const Validator& validator) {
  const auto follow = FollowSet::make({"a.b"}, {"c"});
  const auto valid = ValidatorSet::validate({refusing("x", "a.b"), validator}, *follow);
  return valid ? std::string() : *valid.error().field;
}

}  // namespace

TEST_CASE("a validator's mistakes are named with its place") {
  CHECK(field_of(refusing("x", "c.d")).empty());
  CHECK(field_of(refusing("x", "other")) == "validators[1].ns");
  CHECK(field_of(refusing("x", "a..b")) == "validators[1].ns");
  CHECK(field_of(refusing("x", "a.b", "x\\")) == "validators[1].keys");
  Validator both = refusing("x", "a.b");
  both.subtree.emplace("a");
  CHECK(field_of(both) == "validators[1].subtree");
  Validator none = refusing("x", "a.b");
  none.check = nullptr;
  CHECK(field_of(none) == "validators[1].check");
}

TEST_CASE("those that cover the key are asked in order until one refuses") {
  std::vector<std::string> asked;
  const auto asking = [&](std::string name, std::optional<std::string> reason) {
    return [&asked, name, reason](const ProposedChange&) {
      asked.push_back(name);
      return reason;
    };
  };
  ValidatorSet set({{"other", "b", {}, "**", asking("other", "no")},
                    {"first", {}, "a", "x/*", asking("first", {})},
                    {"second", {}, {}, "**", asking("second", "no")},
                    {"third", {}, {}, "**", asking("third", "no")}});
  CHECK(set.covers("b"));
  const auto refusal = set.judge(change_of("a.b", "x/1"));
  REQUIRE(refusal);
  CHECK(refusal->by == "second");
  CHECK(asked == std::vector<std::string>{"first", "second"});
  CHECK_FALSE(ValidatorSet({refusing("x", "a")}).covers("a.b"));
}

TEST_CASE("an exception refuses with its text, and is counted") {
  ValidatorSet set(
      {{"v",
        {},
        {},
        "a",
        [](const ProposedChange&) -> std::optional<std::string> {
          throw std::runtime_error("cannot parse");
        }},
       {"w", {}, {}, "b", [](const ProposedChange&) -> std::optional<std::string> { throw 7; }}});
  CHECK(set.judge(change_of("n", "a"))->reason == "the validator threw: cannot parse");
  CHECK(set.judge(change_of("n", "b"))->reason == "the validator threw: not a std::exception");
  CHECK(set.exceptions() == 2);
}

TEST_CASE("a reason becomes text that an ack may carry") {
  CHECK(fit_reason("must be > 0") == "must be > 0");
  CHECK(fit_reason("") == "refused");
  CHECK(fit_reason("two\nlines\x7f") == "two lines ");
  CHECK(fit_reason("\xff\xfe") == "??");
  const std::string most(limits::kReasonBytes - 1, 'x');
  CHECK(fit_reason(most + "\xc3\xa9") == most);
  CHECK(fit_reason(std::string(9999, 'y')).size() == limits::kReasonBytes);
  CHECK(is_plain_text(fit_reason("\xc3\xa9 \t\xc3")));
}

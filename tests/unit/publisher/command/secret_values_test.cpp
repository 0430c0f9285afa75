#include "publisher/command/secret_values.hpp"

#include <catch2/catch.hpp>

#include <sstream>

#include "proto/json/json_value.hpp"
#include "publisher/command/difference_lines.hpp"
#include "publisher/command/reply_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {

struct Asked {
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  std::vector<std::string> questions;
  std::vector<std::pair<std::string, bool>> namespaces;
  bool sealed = true, answers = true;

  SecretValues secrets(std::string ns, bool reveal = false) {
    const auto ask = [this](const std::string& under) -> Outcome<SecretValues::Rows> {
      questions.push_back(under);
      if (!answers) return failed(error_of(ErrorCode::unavailable, "away"), "namespaces");
      if (!sealed) return SecretValues::Rows();
      std::vector<NamespaceRow> rows;
      for (const auto& [name, secret] : namespaces) {
        NamespaceRow row;
        row.ns = name;
        row.secret = secret;
        rows.push_back(std::move(row));
      }
      return SecretValues::Rows(std::move(rows));
    };
    return {ask, {"watch", std::move(ns), reveal}, terminal};
  }
};

using Questions = std::vector<std::string>;

}  // namespace

TEST_CASE("a broker is asked once for everything that one run is about") {
  Asked asked;
  asked.namespaces = {{"risk", true}, {"risk.fees", false}};
  auto secrets = asked.secrets("risk");
  for (int i = 0; i < 3; ++i) {
    CHECK(secrets.shown("risk") == Shown::masked);
    CHECK(secrets.shown("risk.fees") == Shown::as_it_is);
    CHECK(secrets.shown("_system.policy") == Shown::as_it_is);
  }
  CHECK(asked.questions == Questions{"risk"});
  CHECK(asked.err.str().empty());
}

TEST_CASE("--reveal asks nothing, and a broker without secrets is asked once") {
  Asked asked;
  asked.namespaces = {{"risk", true}};
  CHECK(asked.secrets("risk", true).shown("risk") == Shown::as_it_is);
  CHECK(asked.questions.empty());
  asked.sealed = false;
  auto secrets = asked.secrets("risk");
  CHECK(secrets.shown("risk") == Shown::as_it_is);
  CHECK(secrets.shown("risk.new") == Shown::as_it_is);
  CHECK(asked.questions.size() == 1);
}

TEST_CASE("a namespace that appears later is asked for by its name") {
  Asked asked;
  asked.namespaces = {{"risk", false}};
  auto secrets = asked.secrets("risk");
  CHECK(secrets.shown("risk") == Shown::as_it_is);
  asked.namespaces.emplace_back("risk.new", true);
  CHECK(secrets.shown("risk.new") == Shown::masked);
  CHECK(secrets.shown("risk.new") == Shown::masked);
  CHECK(asked.questions == Questions{"risk", "risk.new"});
}

TEST_CASE("what cannot be known is masked, and told in one line") {
  Asked asked;
  asked.answers = false;
  auto secrets = asked.secrets("risk");
  CHECK(secrets.shown("risk") == Shown::masked);
  CHECK(secrets.shown("risk.a") == Shown::masked);  // not asked again at once
  CHECK(asked.questions == Questions{"risk"});
  CHECK(asked.err.str() ==
        "prismbus: watch: values are masked (--reveal shows them): namespaces: unavailable: away\n");
}

TEST_CASE("a namespace that the broker does not know is masked") {
  Asked asked;
  CHECK(asked.secrets("risk").shown("risk") == Shown::masked);
  CHECK(asked.questions == Questions{"risk"});
  CHECK(asked.err.str().find("known only when it has been written") != std::string::npos);
}

TEST_CASE("what is read back is refused when it is secret, or when that is not known") {
  Asked asked;
  asked.namespaces = {{"risk", true}, {"md", false}};
  auto secrets = asked.secrets("");
  CHECK(secrets.require_shown("md"));
  const auto refused = secrets.require_shown("risk");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().exit == Exit::usage);
  CHECK(refused.error().error.message.find("--reveal") != std::string::npos);
  CHECK(asked.secrets("", true).require_shown("risk"));
  asked.answers = false;
  const auto unknown = asked.secrets("").require_shown("md");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().exit == Exit::try_later);
}

TEST_CASE("a mask tells neither length nor type, and JSON says that it is one") {
  for (const char* text : {"1", "\"a long secret\"", "{\"a\": [1]}"}) {
    const std::string encoded = to_message_pack(from_json(text).value());
    CHECK(shown_text(encoded, Shown::masked) == "********");
    CHECK(to_json(Fields().value(encoded, Shown::masked).take()) == R"({"value":"********","masked":true})");
  }
  const std::string one = to_message_pack(Value::number(1));
  CHECK(shown_text(one, Shown::as_it_is) == "1");
  CHECK(to_json(Fields().value(one, Shown::as_it_is).take()) == R"({"value":1})");
}

TEST_CASE("masked differences show keys and nothing else") {
  Asked asked;
  const std::vector<Difference> all{
      {DifferenceKind::added, "a", std::nullopt, Value::number(1), Revision()},
      {DifferenceKind::changed, "b", Value::number(2), Value::number(3), Revision()},
      {DifferenceKind::removed, "c", Value::number(4), std::nullopt, Revision()}};
  print_differences(all, Shown::masked, asked.terminal);
  CHECK(asked.out.str() == "+ a  ********\n~ b  ******** -> ********\n- c  ********\n");
}

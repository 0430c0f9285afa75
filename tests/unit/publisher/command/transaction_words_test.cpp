#include "publisher/command/transaction_words.hpp"

#include <catch2/catch.hpp>

#include "proto/json/json_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
std::string refused_document(std::string_view json) {
  Transaction t;
  const auto added = add_document(from_json(json).value(), t);
  return added ? "taken" : added.error().error.message;
}
}  // namespace

TEST_CASE("words become changes in their order") {
  Transaction t;
  REQUIRE(add_words({"put", "a", "k", "5", "--", "delete", "b.c", "k", "put", "a", "put", "delete"}, t));
  REQUIRE(t.size() == 3);
  CHECK((t.changes()[0].op == ChangeOp::put && t.changes()[0].ns == "a" && t.changes()[0].value == "\x05"));
  CHECK((t.changes()[1].op == ChangeOp::del && t.changes()[1].ns == "b.c" && t.changes()[1].key == "k"));
  CHECK((t.changes()[2].key == "put" && t.changes()[2].value == "\xa6"
                                                                "delete"));
  REQUIRE(add_requirements({"a", "k", "12", "a", "x", "0"}, t));
  CHECK((t.requirements().size() == 2 && t.requirements()[0].rev == Revision(12)));
  CHECK_FALSE(add_requirements({"a", "k", "-1"}, t));
}

TEST_CASE("a document becomes the transaction it says") {
  Transaction t;
  const auto document = from_json(R"({"do":[{"op":"put","ns":"a","key":"k","value":{"x":[1.0]}},
    {"op":"delete","ns":"a","key":"l"}],"if":[{"ns":"a","key":"k","rev":3}],"note":"why"})");
  REQUIRE(document);
  REQUIRE(add_document(*document, t));
  CHECK(t.size() == 2);
  CHECK(from_message_pack(t.changes()[0].value) == from_json(R"({"x":[1.0]})").value());
  CHECK(t.requirements()[0].rev == Revision(3));
  CHECK(t.note_text() == "why");
}

TEST_CASE("a document with anything else is refused by the name of the field") {
  CHECK(refused_document("[]") == "transaction: must be an object");
  CHECK(refused_document("{}") == "do: missing");
  CHECK(refused_document(R"({"do":1})") == "do: must be an array");
  CHECK(refused_document(R"({"do":[],"iff":[]})") == "transaction: no such field: \"iff\"");
  CHECK(refused_document(R"({"do":[{"op":"put","ns":"a","key":"k"}]})") == "do[0].value: missing");
  CHECK(refused_document(R"({"do":[{"op":"delete","ns":"a","key":"k","value":1}]})") ==
        "do[0].value: a delete has none");
  CHECK(refused_document(R"({"do":[{"op":"mv","ns":"a","key":"k"}]})") ==
        "do[0].op: put or delete, not \"mv\"");
  CHECK(refused_document(R"({"do":[{"op":"put","key":"k","value":1}]})") == "do[0].ns: a string is needed");
  CHECK(refused_document(R"({"do":[],"if":[{"ns":"a","key":"k","rev":-1}]})").starts_with("if[0].rev: "));
  CHECK(refused_document(R"({"do":[],"note":1})") == "note: must be a string");
}

// Real configuration files: the project's own sample, and the production files beside the checkout when they
// are there.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "proto/json/json_value.hpp"
#include "publisher/command/documents/flatten.hpp"
#include "publisher/command/documents/yaml_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::filesystem::path> documents() {
  const std::filesystem::path source = PRISMBUS_SOURCE_DIR;
  std::vector<std::filesystem::path> out{source / "tests/unit/publisher/command/data/collector.yaml"};
  const auto shared = source.parent_path() / "shared/data";
  if (std::filesystem::is_directory(shared)) {
    for (const auto& item : std::filesystem::directory_iterator(shared)) {
      if (item.path().extension() == ".yaml") out.push_back(item.path());
    }
  }
  return out;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("real configuration files come back equal, as one value and as keys, from YAML and from JSON") {
  for (const auto& path : documents()) {
    INFO(path);
    const std::string text = text_of(path);
    const auto document = from_yaml(text);
    if (!document) FAIL(document.error().line << ": " << document.error().message);
    CHECK(from_yaml(to_yaml(*document)) == *document);
    CHECK(from_json(to_json(*document, JsonLayout::indented)) == *document);
    CHECK(from_message_pack(to_message_pack(*document)) == *document);
    const auto keys = flatten(*document);
    REQUIRE(keys);
    CHECK(keys->size() > 10);
    CHECK(unflatten(*keys) == *document);
  }
}

TEST_CASE("${ENV:-default} strings of real files survive untouched") {
  for (const auto& path : documents()) {
    INFO(path);
    const std::string text = text_of(path);
    const auto document = from_yaml(text);
    REQUIRE(document);
    CHECK(count(to_yaml(*document), ": ${") == count(text, ": ${"));
  }
}

TEST_CASE("damaged documents are read or refused, and nothing else happens") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const std::string whole = text_of(documents().front());
  for (int i = 0; i < 2000; ++i) {
    std::string text = whole.substr(0, random() % whole.size());
    for (std::uint64_t n = random() % 4; n > 0 && !text.empty(); --n) {
      text[random() % text.size()] = "\"'{}[]:,&*!|>#-\n \xc3\x04?"[random() % 20];
    }
    for (const auto& read : {from_yaml(text), from_json(text)}) {
      if (read) {
        CHECK(from_yaml(to_yaml(*read)) == *read);
      } else {
        CHECK(read.error().message.find('\n') == std::string::npos);
      }
    }
  }
}

#include "publisher/command/document_file.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <sstream>

#include "publisher/command/document_format.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-command-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};
}  // namespace

TEST_CASE("the format is told by the ending or by the flag, and never guessed") {
  CHECK(format_of("a.json", {}) == Format::json);
  CHECK(format_of("a.yaml", {}) == Format::yaml);
  CHECK(format_of("a.yml", {}) == Format::yaml);
  CHECK(format_of("a.json", "yaml") == Format::yaml);
  CHECK(format_of("-", "json") == Format::json);
  CHECK_FALSE(format_of("-", {}));
  CHECK_FALSE(format_of("a.txt", {}));
  CHECK(format_of("a.toml", {}) == Format::toml);
  CHECK(format_of(".env", {}) == Format::env);
  CHECK(format_of("deploy/.env.production", {}) == Format::env);
  CHECK(format_of("a.properties", {}) == Format::properties);
  CHECK_FALSE(format_of("a.json", "xml"));
}

TEST_CASE("a file is replaced whole, and nothing is left beside it") {
  const Folder folder;
  const std::string path = folder.file("out.yaml");
  std::istringstream in;
  REQUIRE(write_atomically(path, "one"));
  CHECK(read_text(path, in) == "one");
  REQUIRE(write_atomically(path, std::string(300'000, 'x')));
  CHECK(read_text(path, in)->size() == 300'000);
  CHECK(folder.files() == 1);
}

TEST_CASE("a file that cannot be written leaves the old one and nothing beside it") {
  const Folder folder;
  const auto failed = write_atomically(folder.file("missing/out.yaml"), "x");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().exit == Exit::file);
  std::filesystem::create_directory(folder.file("taken"));
  std::filesystem::create_directory(folder.file("taken/inside"));
  CHECK_FALSE(write_atomically(folder.file("taken"), "x"));
  CHECK(folder.files() == 1);
}

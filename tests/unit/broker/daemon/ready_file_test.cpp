// The ready file: whole or not at all.
#include "broker/daemon/ready_file.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace prismbus;

TEST_CASE("the ready file has the pid and the endpoints really bound, and replaces an older one") {
  std::string dir = (std::filesystem::temp_directory_path() / "prismbus-ready-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  const std::string path = dir + "/ready.json";
  std::ofstream(path) << "of an earlier life";
  const ReadyNotice notice{7,
                           {"tcp://127.0.0.1:7400", "ipc:///tmp/a \"b\""},
                           {"tcp://127.0.0.1:7401"},
                           {},
                           {"http://127.0.0.1:7480"}};
  REQUIRE(write_ready_file(path, notice).has_value());
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(text ==
        "{\"pid\":7,\"requests\":[\"tcp://127.0.0.1:7400\",\"ipc:///tmp/a \\\"b\\\"\"],"
        "\"changes\":[\"tcp://127.0.0.1:7401\"],\"express\":[],\"gateway\":[\"http://127.0.0.1:7480\"]}\n");
  remove_ready_file(path);
  remove_ready_file(path);  // what is not there is fine
  CHECK(std::filesystem::is_empty(dir));
  std::filesystem::remove_all(dir);
}

TEST_CASE("a ready file that cannot be written says which and why") {
  const auto written = write_ready_file("/nonexistent/ready.json", {});
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().message.find("/nonexistent/ready.json") != std::string::npos);
}

TEST_CASE(
    "before it serves the ready file of an earlier life goes, and one that could not be written is told") {
  std::string dir = (std::filesystem::temp_directory_path() / "prismbus-ready-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  std::ofstream(dir + "/ready.json") << "of an earlier life";
  CHECK(prepare_ready_file(dir + "/ready.json"));
  CHECK(std::filesystem::is_empty(dir));
  const auto impossible = prepare_ready_file(dir + "/none/ready.json");
  REQUIRE_FALSE(impossible);
  CHECK(impossible.error().message == "cannot write " + dir + "/none/ready.json: No such file or directory");
  CHECK(prepare_ready_file(""));
  std::filesystem::remove_all(dir);
}

// The command line of prismbusd.
#include "broker/daemon/command_line.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace prismbus;

namespace {

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "prismbusd");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_CASE("flags are collected as written, repeated ones in order") {
  const CommandLine line = parse({"--data-dir", "d", "--requests", "tcp://127.0.0.1:0",
                                  "--requests=ipc:///tmp/x", "--insecure", "--config", "f.toml"});
  CHECK(line.what == CommandLine::Do::serve);
  CHECK(line.mistakes.empty());
  CHECK(line.config_file == "f.toml");
  CHECK(line.flags.at("--data-dir") == std::vector<std::string>{"d"});
  CHECK(line.flags.at("--requests") == std::vector<std::string>{"tcp://127.0.0.1:0", "ipc:///tmp/x"});
  CHECK(line.flags.at("--insecure") == std::vector<std::string>{"true"});
  CHECK(line.flags.count("--changes") == 0);
}

TEST_CASE("a switch that is on by default is turned off by =false, and is on alone") {
  const auto said = [](const char* flag) {
    const char* argv[] = {"prismbusd", flag};
    return parse_command_line(2, argv).flags.at("--stream-curve");
  };
  CHECK(said("--stream-curve=false") == std::vector<std::string>{"false"});
  CHECK(said("--stream-curve") == std::vector<std::string>{"true"});
  CHECK(said("--stream-curve=maybe") ==
        std::vector<std::string>{"maybe"});  // refused where values are judged
}

TEST_CASE("every unknown word is a mistake, and so is a flag without its value") {
  const CommandLine line = parse({"--bogus", "word", "--other"});
  CHECK(line.mistakes.size() == 3);
  CHECK_FALSE(parse({"--data-dir"}).mistakes.empty());
}

TEST_CASE("help has every setting and the version is the project's") {
  const CommandLine help = parse({"--help"});
  CHECK(help.what == CommandLine::Do::print);
  for (const SettingRow& row : setting_table()) {
    CHECK(help.text.find(row.flag) != std::string::npos);
    CHECK(help.text.find(row.environment) != std::string::npos);
  }
  CHECK(help.text.find("Examples:") != std::string::npos);
  CHECK(parse({"--version"}).text.starts_with("prismbusd "));
}

TEST_CASE("check takes a data directory or a backup and nothing else") {
  const CommandLine line = parse({"check", "--data-dir", "d"});
  CHECK(line.what == CommandLine::Do::check);
  CHECK(line.data_dir == "d");
  CHECK(line.mistakes.empty());
  CHECK(parse({"check", "file"}).backup == "file");
  CHECK(parse({"check"}).mistakes ==
        std::vector<std::string>{"check: --data-dir DIR or BACKUP missing; see prismbusd check --help"});
  CHECK(parse({"check", "--data-dir"}).mistakes == std::vector<std::string>{"--data-dir: needs a value"});
  CHECK_FALSE(parse({"check", "file", "--data-dir", "d"}).mistakes.empty());
  CHECK_FALSE(parse({"check", "--data-dir", "d", "--requests", "x"}).mistakes.empty());
}

TEST_CASE("restore takes a backup and a data directory, rebuild a data directory, both say how they end") {
  const CommandLine restore = parse({"restore", "b", "--data-dir", "d", "--replace"});
  CHECK(restore.what == CommandLine::Do::restore);
  CHECK(restore.backup == "b");
  CHECK(restore.data_dir == "d");
  CHECK(restore.replace);
  CHECK(restore.mistakes.empty());
  CHECK(parse({"restore"}).mistakes ==
        std::vector<std::string>{"restore: BACKUP and --data-dir DIR missing; see prismbusd restore --help"});
  CHECK(parse({"restore", "b"}).mistakes ==
        std::vector<std::string>{"restore: --data-dir DIR missing; see prismbusd restore --help"});
  CHECK_FALSE(parse({"restore", "--data-dir", "d"}).mistakes.empty());
  CHECK_FALSE(parse({"restore", "b", "c", "--data-dir", "d"}).mistakes.empty());

  const CommandLine rebuild = parse({"rebuild", "--data-dir", "d", "--map-bytes", "1GiB"});
  CHECK(rebuild.what == CommandLine::Do::rebuild);
  CHECK(rebuild.map_bytes == std::size_t{1} << 30);
  CHECK(rebuild.mistakes.empty());
  CHECK_FALSE(parse({"rebuild"}).mistakes.empty());
  CHECK_FALSE(parse({"rebuild", "--data-dir", "d", "--map-bytes", "much"}).mistakes.empty());

  for (const char* command : {"check", "restore", "rebuild"}) {
    const CommandLine help = parse({command, "--help"});
    CHECK(help.what == CommandLine::Do::print);
    CHECK(help.text.find("Examples:") != std::string::npos);
    CHECK(help.text.find("Exit codes:") != std::string::npos);
  }
}

// The settings table: precedence, ranges, and that every mistake is told at once.
#include "broker/daemon/settings.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "broker/daemon/reload.hpp"
#include "broker/daemon/setting_text.hpp"

using namespace prismbus;

namespace {

Environment environment(std::map<std::string, std::string, std::less<>> said) {
  return [said = std::move(said)](std::string_view name) -> std::optional<std::string> {
    const auto it = said.find(name);
    return it == said.end() ? std::nullopt : std::optional(it->second);
  };
}

SaidSettings with_dir(SaidSettings said = {}) {
  said.emplace("--data-dir", std::vector<std::string>{"d"});
  return said;
}

bool mentions(const std::vector<std::string>& mistakes, std::string_view text) {
  return std::any_of(mistakes.begin(), mistakes.end(),
                     [&](const std::string& m) { return m.find(text) != std::string::npos; });
}

struct TomlFile {
  explicit TomlFile(std::string_view text) {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-toml-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path = name;
    std::ofstream(path) << text;
  }
  ~TomlFile() { std::filesystem::remove(path); }
  std::string path;
};

}  // namespace

TEST_CASE("every row names flag, environment and key after one another, and its default is in range") {
  for (const SettingRow& row : setting_table()) {
    std::string key(row.flag.substr(2));
    std::replace(key.begin(), key.end(), '-', '_');
    CHECK(row.key == key);
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::toupper(c); });
    CHECK(row.environment == "PRISMBUS_" + key);
    CHECK(row.sentence.ends_with('.'));
  }
  const SettingsOutcome outcome = merge_settings({}, environment({}), with_dir());
  CHECK(outcome.mistakes.empty());
  CHECK(outcome.effective.size() == setting_table().size());
  CHECK(outcome.settings.map_bytes == std::size_t{64} << 30);
  CHECK(outcome.settings.requests == std::vector<std::string>{"tcp://127.0.0.1:7400"});
  CHECK(outcome.settings.changes == std::vector<std::string>{"tcp://127.0.0.1:7401"});
}

TEST_CASE("ages are written with a unit, and are kept as said") {
  const auto age = [](std::string_view text) {
    return merge_settings({}, environment({}), with_dir({{"--retention-age", {std::string(text)}}}));
  };
  CHECK(age("0").settings.retention_age == std::chrono::seconds(0));
  CHECK(age("45s").settings.retention_age == std::chrono::seconds(45));
  CHECK(age("30m").settings.retention_age == std::chrono::minutes(30));
  CHECK(age("12h").settings.retention_age == std::chrono::hours(12));
  CHECK(age("90d").settings.retention_age == std::chrono::hours(90 * 24));
  REQUIRE(age("90").mistakes.size() == 1);
  CHECK(age("90").mistakes[0] == "--retention-age: 90 needs a unit, such as 90d or 90h (0 to 36500d)");
  for (const char* wrong :
       {"-1h", "1w", "h", "1.5h", "36501d", "99999999999999999999d", "400000000000000000d"}) {
    INFO(wrong);
    const auto mistakes = age(wrong).mistakes;
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].find("(0 to 36500d)") != std::string::npos);
  }
  const SettingsOutcome defaults = merge_settings({}, environment({}), with_dir({}));
  CHECK(defaults.settings.retention_revisions == 1'000'000);
  CHECK(defaults.settings.retention_age == std::chrono::hours(90 * 24));
  CHECK(defaults.settings.retention_age_min == std::chrono::hours(1));
}

TEST_CASE(
    "addresses, hosts and sites of the gateway are refused when they could never match, as they were "
    "written") {
  const auto mistakes = [](std::string_view flag, std::string_view text) {
    SaidSettings said{{"--gateway", {"http://127.0.0.1:0"}}};
    said[std::string(flag)] = {std::string(text)};
    return merge_settings({}, environment({}), with_dir(said)).mistakes;
  };
  for (const char* fine :
       {"http://127.0.0.1:0", "http://localhost:7480", "http://[::1]:7480", "127.0.0.1:0"}) {
    CHECK(mistakes("--gateway", fine).empty());
  }
  for (const char* fine : {"config.example.com", "10.0.0.7", "::1"})
    CHECK(mistakes("--gateway-hosts", fine).empty());
  for (const char* fine : {"https://console.example.com", "http://localhost:8080", "https://[::1]:1"}) {
    CHECK(mistakes("--gateway-origins", fine).empty());
  }
  const std::pair<const char*, const char*> wrong[] = {{"--gateway", "127.0.0.1"},
                                                       {"--gateway", "ftp://127.0.0.1:0"},
                                                       {"--gateway", "http://127.0.0.1"},
                                                       {"--gateway", "http://127.0.0.1:0/x"},
                                                       {"--gateway-hosts", "a/b"},
                                                       {"--gateway-hosts", "example.com:7480"},
                                                       {"--gateway-hosts", "https://example.com"},
                                                       {"--gateway-hosts", ""},
                                                       {"--gateway-origins", "console.example.com"},
                                                       {"--gateway-origins", "https://console.example.com/"},
                                                       {"--gateway-origins", "*"}};
  for (const auto& [flag, text] : wrong) {
    INFO(flag << " " << text);
    const auto found = mistakes(flag, text);
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with(std::string(flag) + ": \"" + text + "\" is not "));
  }
  CHECK(merge_settings({}, environment({}),
                       with_dir({{"--gateway-hosts", {"a"}}, {"--gateway-origins", {"https://b"}}}))
            .mistakes ==
        std::vector<std::string>{"--gateway-hosts: needs --gateway", "--gateway-origins: needs --gateway"});
}

TEST_CASE("a flag wins over the environment, that over the file, that over the default") {
  const SaidSettings file{
      {"--heartbeat-ms", {"100"}}, {"--fold-wait-ms", {"100"}}, {"--map-bytes", {"1GiB"}}};
  const auto env = environment({{"PRISMBUS_HEARTBEAT_MS", "200"}, {"PRISMBUS_FOLD_WAIT_MS", "200"}});
  const SettingsOutcome outcome = merge_settings(file, env, with_dir({{"--heartbeat-ms", {"300"}}}));
  CHECK(outcome.mistakes.empty());
  CHECK(outcome.settings.heartbeat == std::chrono::milliseconds(300));
  CHECK(outcome.settings.fold_wait == std::chrono::milliseconds(200));
  CHECK(outcome.settings.map_bytes == std::size_t{1} << 30);
  CHECK(outcome.settings.batch_bytes_max == 4u << 20);
  const auto from = [&](std::string_view key) {
    return std::find_if(outcome.effective.begin(), outcome.effective.end(),
                        [&](const auto& s) { return s.key == key; })
        ->from;
  };
  CHECK(from("heartbeat_ms") == "flag");
  CHECK(from("fold_wait_ms") == "environment");
  CHECK(from("map_bytes") == "file");
  CHECK(from("batch_bytes_max") == "default");
}

TEST_CASE("all mistakes are told at once and nothing is clipped") {
  const SaidSettings flags{{"--map-bytes", {"5XB"}},     {"--heartbeat-ms", {"5"}},
                           {"--log-level", {"loud"}},    {"--requests", {"http://x"}},
                           {"--ready-file", {"a", "b"}}, {"--changes", {"tcp://*:7401"}}};
  const SettingsOutcome outcome = merge_settings({}, environment({{"PRISMBUS_INSECURE", "maybe"}}), flags);
  for (const char* named : {"--map-bytes", "--heartbeat-ms", "--log-level", "--requests", "--ready-file",
                            "--changes", "PRISMBUS_INSECURE", "--data-dir: required"}) {
    INFO(named);
    CHECK(mentions(outcome.mistakes, named));
  }
  CHECK(outcome.mistakes.size() == 8);
}

TEST_CASE("an endpoint that other machines reach is refused by name unless --insecure is said") {
  for (const char* endpoint :
       {"tcp://*:7400", "tcp://0.0.0.0:0", "tcp://192.0.2.1:7400", "tcp://[::]:7400"}) {
    INFO(endpoint);
    const SettingsOutcome refused =
        merge_settings({}, environment({}), with_dir({{"--requests", {endpoint}}}));
    REQUIRE(refused.mistakes.size() == 1);
    CHECK(mentions(refused.mistakes, endpoint));
    CHECK(mentions(refused.mistakes, "--insecure"));
    CHECK(
        merge_settings({}, environment({}), with_dir({{"--requests", {endpoint}}, {"--insecure", {"true"}}}))
            .mistakes.empty());
  }
  for (const char* endpoint :
       {"tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://[::1]:7400", "ipc:///tmp/x"}) {
    INFO(endpoint);
    CHECK(merge_settings({}, environment({}), with_dir({{"--requests", {endpoint}}})).mistakes.empty());
  }
}

TEST_CASE(
    "an endpoint setting is repeatable, by flags, by commas in the environment, by an array in the file") {
  const std::vector<std::string> both{"tcp://127.0.0.1:0", "ipc:///tmp/x"};
  CHECK(merge_settings({}, environment({}), with_dir({{"--requests", both}})).settings.requests == both);
  const auto env = environment({{"PRISMBUS_REQUESTS", "tcp://127.0.0.1:0,ipc:///tmp/x"}});
  CHECK(merge_settings({}, env, with_dir()).settings.requests == both);
  const TomlFile file("requests = [\"tcp://127.0.0.1:0\", \"ipc:///tmp/x\"]\n");
  std::vector<std::string> mistakes;
  CHECK(merge_settings(read_settings_file(file.path, mistakes).value(), environment({}), with_dir())
            .settings.requests == both);
  CHECK(mistakes.empty());
}

TEST_CASE("settings that contradict each other are a mistake") {
  const auto outcome = merge_settings(
      {}, environment({}), with_dir({{"--fold-changes-min", {"200"}}, {"--fold-changes-max", {"100"}}}));
  CHECK(mentions(outcome.mistakes, "--fold-changes-min"));
}

TEST_CASE("a file's unknown keys and wrong types are told with their line") {
  const TomlFile file(
      "data_dir = \"d\"\nmap_bites = 5\nheartbeat_ms = 1.5\ninsecure = true\nfold_wait_ms = 10\n");
  std::vector<std::string> mistakes;
  const SaidSettings said = read_settings_file(file.path, mistakes).value();
  CHECK(mistakes.size() == 2);
  CHECK(mentions(mistakes, ":2: map_bites: no such setting"));
  CHECK(mentions(mistakes, ":3: heartbeat_ms"));
  const SettingsOutcome outcome = merge_settings(said, environment({}), {});
  CHECK(outcome.settings.data_dir == "d");
  CHECK(outcome.settings.insecure);
  CHECK(outcome.settings.fold_wait == std::chrono::milliseconds(10));
}

TEST_CASE("a file that is half written is a mistake and never the end of the process") {
  for (const char* half :
       {"[ =", "[", "[\n]\n", "a = ", "a = [1,", "a = {b = 1", "heartbeat_ms = \"1", "\u00e9 = 1"}) {
    INFO(half);
    const TomlFile file(half);
    std::vector<std::string> mistakes;
    (void)read_settings_file(file.path, mistakes);
    CHECK(mentions(mistakes, file.path));
  }
}

TEST_CASE("a file that is no TOML, or is not there, is a mistake and not an exception") {
  std::vector<std::string> mistakes;
  const TomlFile file("data_dir = \n");
  CHECK_FALSE(read_settings_file(file.path, mistakes));
  CHECK_FALSE(read_settings_file("/nonexistent/prismbus.toml", mistakes));
  REQUIRE(mistakes.size() == 2);
  CHECK(mistakes[1] == "/nonexistent/prismbus.toml: cannot read: No such file or directory");
  mistakes.clear();
  CHECK(read_settings_file(TomlFile("").path, mistakes)->empty());
  CHECK(mistakes.empty());
  CHECK_FALSE(read_settings_file("/", mistakes));
  CHECK(mentions(mistakes, "/: cannot read: Is a directory"));
}

TEST_CASE("beside a file that could not be read nothing is said to be missing, and what is wrong still is") {
  const SaidSettings wrong{{"--heartbeat-ms", {"often"}}};
  const auto unread = merge_settings({}, environment({}), wrong, FileRead::no);
  REQUIRE(unread.mistakes.size() == 1);
  CHECK(mentions(unread.mistakes, "--heartbeat-ms"));
  CHECK(mentions(merge_settings({}, environment({}), wrong).mistakes, "--data-dir: required"));
}

TEST_CASE("sizes take binary units and nothing else") {
  CHECK(parse_bytes("64GiB") == std::uint64_t{64} << 30);
  CHECK(parse_bytes("1048576") == 1048576);
  CHECK(parse_bytes("3KiB") == 3072);
  for (const char* text : {"", "GiB", "-1", "1GB", "1 GiB", "1.5GiB", "0x10", "99999999999999TiB"}) {
    INFO(text);
    CHECK_FALSE(parse_bytes(text).has_value());
  }
  CHECK(bytes_text(std::uint64_t{64} << 30) == "64GiB");
  CHECK(bytes_text(1000) == "1000");
}

TEST_CASE("settings read again are told apart: of effect at once, after a restart, and unchanged") {
  const auto at = [](std::string_view changes, std::string_view fold_wait) {
    return merge_settings({{"--recent-changes-max", {std::string(changes)}},
                           {"--fold-wait-ms", {std::string(fold_wait)}}},
                          environment({}), with_dir())
        .effective;
  };
  CHECK(compare_settings(at("2000", "5"), at("2000", "5")).live.empty());
  CHECK(compare_settings(at("2000", "5"), at("2000", "5")).waiting.empty());
  const Reload both = compare_settings(at("2000", "5"), at("3000", "6"));
  REQUIRE(both.live.size() == 1);
  CHECK(both.live[0].key == "recent_changes_max");
  CHECK(both.live[0].value == "3000");
  REQUIRE(both.waiting.size() == 1);
  CHECK(both.waiting[0].key == "fold_wait_ms");
}

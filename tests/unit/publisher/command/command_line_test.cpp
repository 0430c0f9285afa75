// The command line without a broker: help, usage errors, exit codes. No test here reaches a network: what
// needs a broker is pointed at a free port of the loopback where nobody listens.
#include <catch2/catch.hpp>

#include <set>
#include <sstream>

#include "publisher/command/command.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran run_with(std::vector<std::string> arguments, const std::string& input = "",
             const std::string& broker_in_environment = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  const auto environment = [&](std::string_view name) {
    const bool set = name == "PRISMBUS_BROKER" && !broker_in_environment.empty();
    return set ? std::optional<std::string>(broker_in_environment) : std::nullopt;
  };
  const int code = run(std::move(arguments), environment, terminal);
  return {code, out.str(), err.str()};
}

const std::vector<std::string> kCommands{"put",        "get",   "delete", "list",   "txn",
                                         "namespaces", "watch", "import", "export", "status"};

}  // namespace

TEST_CASE("every command explains itself with examples, and the whole prints the table of exit codes") {
  const auto all = run_with({"--help"});
  CHECK(all.code == 0);
  CHECK(all.out.find("Exit codes:") != std::string::npos);
  CHECK(all.out.find("conflict: --if-rev") != std::string::npos);
  for (const std::string& name : kCommands) {
    CAPTURE(name);
    CHECK(all.out.find("\n  " + name + " ") != std::string::npos);
    const auto help = run_with({name, "--help"});
    CHECK(help.code == 0);
    CHECK(help.out.find("Examples:") != std::string::npos);
    CHECK(help.out.find("prismbus " + name) != std::string::npos);
    CHECK(help.err.empty());
  }
  CHECK(run_with({"--version"}).out.starts_with("prismbus 0."));
}

TEST_CASE("exit codes are distinct and every error of the protocol has one") {
  std::set<int> codes;
  for (const ExitRow& row : kExitTable) codes.insert(static_cast<int>(row.code));
  CHECK(codes.size() == kExitTable.size());
  for (const auto& row : prismbus::kErrorTable) {
    CHECK(codes.contains(static_cast<int>(exit_for(row.code))));
    CHECK(exit_for(row.code) != Exit::done);
    CHECK(exit_for(row.code) != Exit::unreachable);
  }
}

TEST_CASE("misuse is one line on stderr that names what is wrong, exit code 2, before any broker is asked") {
  struct Case {
    std::vector<std::string> arguments;
    std::string says;
  };
  const std::vector<Case> cases{
      {{"delte", "a", "b"}, "no command \"delte\"; did you mean delete?"},
      {{"frobnicate"}, "prismbus --help lists the commands"},
      {{"--broker", "tcp://127.0.0.1:1", "wach", "a"}, "did you mean watch?"},
      {{}, "prismbus --help"},
      {{"put"}, "NS"},
      {{"put", "a"}, "KEY"},
      {{"put", "a", "b"}, "VALUE: missing"},
      {{"put", "a", "b", "{\"x\":"}, "--string takes it as text"},
      {{"put", "a", "b", "100ms"}, "--string takes it as text"},
      {{"put", "a", "b", "1", "--file", "x.json"}, "--file: give VALUE or --file"},
      {{"put", "a", "b", "1", "--if-rv", "3"}, "did you mean --if-rev?"},
      {{"put", "a", "b", "1", "--if-rev", "x"}, "--if-rev"},
      {{"put", "a", "b", "--file", "x.txt"}, "--format"},
      {{"get", "a", "b", "--timeout", "0"}, "--timeout"},
      {{"get", "a", "b", "--timeout", "1e9"}, "--timeout"},
      {{"get", "a", "b", "--timeout", "2m"}, "--timeout: \"2m\" is not a time, such as 2, 2s or 300ms"},
      {{"get", "a", "b", "--timeout", ""}, "--timeout: \"\" is not a time"},
      {{"get", "a", "b", "--timeout", "nan"}, "--timeout: from"},
      {{"get", "a", "b", "--timeout"}, "get: --timeout: needs a value (prismbus get --help)"},
      {{"policy", "set", "a"}, "policy set: FIELDS is required (prismbus policy set --help)"},
      {{"token", "issue"}, "token issue: --keys is required (prismbus token issue --help)"},
      {{"get", "a", "b", "--broker", "nonsense"}, "--broker"},
      {{"get", "a", "b", "--raw", "--meta"}, "--meta"},
      {{"txn"}, "nothing to do"},
      {{"txn", "put", "a", "b"}, "txn: put needs NS KEY VALUE"},
      {{"txn", "move", "a", "b"}, "expected put or delete"},
      {{"txn", "delete", "a", "b", "--require", "a", "b"}, "--require"},
      {{"txn", "delete", "a", "b", "--require", "a", "b", "x"}, "--require"},
      {{"import", "x.txt", "a"}, "--format"},
      {{"import", "x.yaml", "a", "--format", "xml"}, "--format"},
      {{"import", "-", "a", "--format", "yaml", "--as", "k", "--prune"}, "--prune"},
      {{"import", "-", "a", "--format", "yaml", "--as", "k", "--flat"}, "--flat"},
      {{"watch", "a", "--glob", "x\\"}, "--glob"},
      {{"check"}, "no command \"check\"; did you mean prismbusd check?"},
      {{"policy"}, "policy: one of list, set, delete is required"},
      {{"policy", "unset", "a"}, "policy: one of list, set, delete is required"},
      {{"put", "a", "b", "1", "2", "3", "4"}, "put: not expected: 2 3 4 (prismbus put --help)"},
      {{"get", "a", "b", "c", "--mta", "d"},
       "get: not expected: c --mta d; did you mean --meta? (prismbus get"},
      {{"policy", "list", "b", "a"}, "policy list: not expected: b a ("},
      {{"export", "a", "--seed", "s", "--exclude", "a.*"}, "prismbus: --exclude: a pattern is"},
      {{"import", "-", "a", "--format", "env", "--prune"}, "--yes: needed where nobody can be asked"},
      {{"import", "-", "a", "--format", "properties", "--prune"}, "would delete every key of a"},
      {{"get", "a", "b", "--at", "0"}, "--at: revisions begin with 1"},
      {{"get", "a", "b", "--at", "+2h"}, "--at: \"+2h\" is in the future"},
      {{"watch", "no good"}, "watch"},
  };
  for (const Case& c : cases) {
    const auto ran = run_with(c.arguments);
    CAPTURE(c.arguments, ran.err);
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("prismbus: "));
    CHECK(ran.err.find(c.says) != std::string::npos);
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  }
}

TEST_CASE("a malformed document is named with file, line and column") {
  const auto yaml = run_with({"import", "-", "a", "--format", "yaml"}, "a: 1\nb: [1,\n");
  CHECK(yaml.code == 2);
  CHECK(yaml.err.starts_with("prismbus: standard input:3:"));
  const auto json = run_with({"import", "-", "a", "--format", "json"}, "{\n\"a\" 1}");
  CHECK(json.code == 2);
  CHECK(json.err.starts_with("prismbus: standard input:2:5: not JSON: "));
  const auto keys = run_with({"import", "-", "a", "--format", "json"}, R"({"a":{"b/c":1}})");
  CHECK(keys.code == 2);
  CHECK(keys.err.find(R"(the key "b/c" below "a")") != std::string::npos);
}

TEST_CASE("--json tells errors on stdout as the protocol writes them") {
  const auto ran = run_with({"--json", "put", "a", "b", "{"});
  CHECK(ran.code == 2);
  CHECK(ran.out.starts_with(R"({"ok":false,"error":{"code":"invalid_argument","message":)"));
  CHECK(ran.out.find(R"("field":"VALUE")") != std::string::npos);
  CHECK(run_with({"nope", "--json"}).err.find("no command") != std::string::npos);
  CHECK(run_with({"put", "a", "--json"}).out.starts_with(R"({"ok":false,)"));
}

TEST_CASE("a file that cannot be read is exit code 13") {
  const auto ran = run_with({"import", "/nonexistent/x.yaml", "a"});
  CHECK(ran.code == 13);
  CHECK(ran.err == "prismbus: /nonexistent/x.yaml: cannot read: No such file or directory\n");
  CHECK(run_with({"txn", "--file", "/"}).code == 13);
}

TEST_CASE("no broker is exit code 3, and names where it was looked for") {
  const auto ran = run_with({"get", "a", "b", "--timeout", "0.2", "--broker", "ipc:///nonexistent/broker"});
  CHECK(ran.code == 3);
  CHECK(ran.err.find("ipc:///nonexistent/broker") != std::string::npos);
  const auto by_environment =
      run_with({"get", "a", "b", "--timeout", "200ms"}, "", "ipc:///nonexistent/1, ipc:///nonexistent/2");
  CHECK(by_environment.code == 3);
  CHECK(by_environment.err.find("ipc:///nonexistent/1, ipc:///nonexistent/2") != std::string::npos);
}

#include "broker/daemon/stopped_command_line.hpp"

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <string_view>

#include "broker/daemon/cli_mistake.hpp"
#include "broker/daemon/setting_text.hpp"
#include "proto/base/help_text.hpp"

namespace prismbus {
namespace {

constexpr const char* kCheckExamples = R"(
Examples:
  prismbusd check --data-dir /var/lib/prismbus
  prismbusd check /var/backups/prismbus/monday

A directory is walked in a child process, so that damage to LMDB's own pages is reported instead of ending the check.

Exit codes: 0 sound; 1 findings (a line each); 2 usage, or nothing readable there.)";

constexpr const char* kRestoreExamples = R"(
Builds DIR.restoring, verifies it, and renames it to DIR: DIR is there whole or not at all. The restored store is a new
history (another epoch): every client notices and joins anew. DIR itself must not be a mount point.

Examples:
  prismbusd restore /var/backups/prismbus/monday --data-dir /var/lib/prismbus
  prismbusd restore monday --data-dir /var/lib/prismbus --replace     (what is there becomes DIR.replaced-TIME)

Exit codes: 0 restored; 1 not restored, nothing was put in place (the reason is said); 2 usage.)";

constexpr const char* kRebuildExamples = R"(
Makes state/ from journal/, beside the old one, and exchanges the two. Works while nothing was trimmed from the journal;
afterwards a backup has to be restored. The history stays the same: clients notice nothing.

Examples:
  prismbusd rebuild --data-dir /var/lib/prismbus

Exit codes: 0 rebuilt and sound; 1 not rebuilt (the reason is said); 2 usage.)";

// Parses with what `app` has; --help becomes a text, mistakes are gathered.
void parse(CLI::App& app, int argc, const char* const* argv, CommandLine& line) {
  app.set_help_flag("-h,--help", "Print this and exit");
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.what = CommandLine::Do::print;
    line.text = fold_help(app.help());
    return;
  } catch (const CLI::ParseError& error) {
    line.mistakes.push_back(mistake_text(error));
  }
  for (const std::string& extra : app.remaining()) line.mistakes.push_back(extra + ": not known here");
}

struct Needed {
  const std::string& value;
  const char* named;
};

// All that is missing in one line, unless something else is wrong: a misspelt option is not missing as well.
void require(CommandLine& line, const char* command, std::initializer_list<Needed> needed) {
  if (line.what == CommandLine::Do::print || !line.mistakes.empty()) return;
  std::string missing;
  for (const Needed& n : needed) {
    if (n.value.empty()) missing += (missing.empty() ? "" : " and ") + std::string(n.named);
  }
  if (missing.empty()) return;
  line.mistakes.push_back(std::string(command) + ": " + missing + " missing; see prismbusd " + command +
                          " --help");
}

CommandLine parse_check(int argc, const char* const* argv) {
  CommandLine line;
  line.what = CommandLine::Do::check;
  CLI::App app("Walk everything in a data directory or a backup: checksums, order, counters, hashes.",
               "prismbusd check");
  app.add_option("BACKUP", line.backup, "A backup file, to check instead.");
  app.add_option("--data-dir", line.data_dir, "The data directory; it is only read.")->type_name("DIR");
  app.footer(kCheckExamples);
  parse(app, argc, argv, line);
  if (!line.backup.empty() && !line.data_dir.empty()) {
    line.mistakes.emplace_back("either --data-dir or a backup, not both");
  }
  require(line, "check", {{line.backup + line.data_dir, "--data-dir DIR or BACKUP"}});
  return line;
}

CommandLine parse_restore(int argc, const char* const* argv) {
  CommandLine line;
  line.what = CommandLine::Do::restore;
  CLI::App app("Make a data directory from a backup.", "prismbusd restore");
  app.add_option("BACKUP", line.backup, "The backup file.");
  app.add_option("--data-dir", line.data_dir, "The data directory to make.")->type_name("DIR");
  app.add_flag("--replace", line.replace, "Move what is there aside instead of refusing.");
  app.footer(kRestoreExamples);
  parse(app, argc, argv, line);
  require(line, "restore", {{line.backup, "BACKUP"}, {line.data_dir, "--data-dir DIR"}});
  return line;
}

CommandLine parse_rebuild(int argc, const char* const* argv) {
  CommandLine line;
  line.what = CommandLine::Do::rebuild;
  std::string map = "64GiB";
  CLI::App app("Make the state anew from the journal.", "prismbusd rebuild");
  app.add_option("--data-dir", line.data_dir, "The data directory; no broker may run on it.")
      ->type_name("DIR");
  app.add_option("--map-bytes", map, "Address space for each environment, as when serving. Default 64GiB.")
      ->type_name("SIZE");
  app.footer(kRebuildExamples);
  parse(app, argc, argv, line);
  require(line, "rebuild", {{line.data_dir, "--data-dir DIR"}});
  const auto bytes = parse_bytes(map);
  if (!bytes) line.mistakes.push_back("--map-bytes: \"" + map + "\" is not a size, such as 512MiB");
  line.map_bytes = bytes.value_or(0);
  return line;
}

}  // namespace

std::optional<CommandLine> parse_stopped_command(int argc, const char* const* argv) {
  if (argc < 2) return std::nullopt;
  const std::string_view command(argv[1]);
  if (command == "check") return parse_check(argc - 1, argv + 1);
  if (command == "restore") return parse_restore(argc - 1, argv + 1);
  if (command == "rebuild") return parse_rebuild(argc - 1, argv + 1);
  return std::nullopt;
}

}  // namespace prismbus

#include "broker/daemon/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "broker/daemon/cli_mistake.hpp"
#include "broker/daemon/stopped_command_line.hpp"
#include "proto/base/help_text.hpp"

namespace prismbus {
namespace {

constexpr const char* kAbout =
    "prismbusd: the prismbus broker. It keeps versioned configs and publishes every change.\n"
    "Without a command it serves until TERM or INT, then drains and exits 0.";

constexpr const char* kExamples = R"(
A setting is taken from its flag, else from PRISMBUS_<NAME> in the environment, else from the file, else its default.

Commands (each has its own --help):
  check --data-dir DIR             walk everything on disk and report what is wrong; only reads, a broker may run on it
  check BACKUP                     the same of a backup file
  restore BACKUP --data-dir DIR    make a data directory from a backup: a new history, noticed by every client
  rebuild --data-dir DIR           make the state anew from the journal, while nothing of that was trimmed

Examples:
  prismbusd --data-dir /var/lib/prismbus
  prismbusd --data-dir data --requests tcp://127.0.0.1:0 --changes tcp://127.0.0.1:0 --ready-file ready.json
  prismbusd --data-dir data --requests tcp://127.0.0.1:7400 --requests ipc:///run/prismbus/requests
  PRISMBUS_LOG_LEVEL=warn prismbusd --config /etc/prismbus.toml
  prismbusd check --data-dir /var/lib/prismbus
  prismbusd restore /var/backups/prismbus/monday --data-dir /var/lib/prismbus

A file for --config:
  data_dir = "/var/lib/prismbus"
  requests = ["tcp://127.0.0.1:7400"]
  map_bytes = "16GiB"

Exit codes: 0 stopped as asked, done, or sound; 1 the store failed while serving, check found something, or restore or
rebuild did not succeed; 2 a mistake in the command line or a setting; 3 could not start.)";

// Names of settings are long: their sentences begin in the next line.
constexpr std::size_t kColumn = 6;

std::string described(const SettingRow& row) {
  std::string text = fmt::format("{} [{}", row.sentence, row.environment);
  if (!row.fallback.empty()) text += fmt::format("; default {}", row.fallback);
  if (has_range(row)) text += fmt::format("; {}", range_of(row));
  return text + "]";
}

CommandLine print(std::string text) {
  CommandLine line;
  line.what = CommandLine::Do::print;
  line.text = std::move(text);
  return line;
}

CommandLine parse_serve(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app(kAbout, "prismbusd");
  app.set_help_flag("-h,--help", "Print this and exit");
  app.footer(kExamples);
  app.get_formatter()->column_width(kColumn);
  bool version = false;
  app.add_flag("--version", version, "Print the version and exit");
  app.add_option("--config", line.config_file, "A TOML file of settings [PRISMBUS_CONFIG]")
      ->type_name("FILE");
  std::map<std::string_view, std::vector<std::string>> said;
  std::map<std::string_view, CLI::Option*> options;
  for (const SettingRow& row : setting_table()) {
    const std::string flag(row.flag);
    if (std::holds_alternative<SwitchField>(row.field)) {
      const std::string description = described(row);
      options[row.flag] = app.add_flag(flag, description);
      continue;
    }
    options[row.flag] = app.add_option(flag, said[row.flag], described(row))
                            ->expected(1)
                            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                            ->type_name(std::string(value_name(row)));
  }
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(fold_help(app.help()));
  } catch (const CLI::ParseError& error) {
    line.mistakes.push_back(mistake_text(error));
  }
  if (version) return print(fmt::format("prismbusd {}\n", PRISMBUS_VERSION));
  for (const SettingRow& row : setting_table()) {
    if (options[row.flag]->count() == 0) continue;
    const bool is_switch = std::holds_alternative<SwitchField>(row.field);
    line.flags.emplace(row.flag, is_switch ? options[row.flag]->results() : said[row.flag]);
  }
  for (const std::string& extra : app.remaining()) line.mistakes.push_back(extra + ": not known; see --help");
  return line;
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  if (auto stopped = parse_stopped_command(argc, argv)) return std::move(*stopped);
  return parse_serve(argc, argv);
}

}  // namespace prismbus

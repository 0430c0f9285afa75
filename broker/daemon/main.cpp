// prismbusd: reads what it was told, says every mistake, and hands over to the composition.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "broker/daemon/check_command.hpp"
#include "broker/daemon/command_line.hpp"
#include "broker/daemon/composition.hpp"
#include "broker/daemon/settings.hpp"

namespace prismbus {
namespace {

constexpr int kUsage = 2, kCannotStart = 3;

std::optional<std::string> from_environment(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int report(const std::vector<std::string>& mistakes) {
  for (const std::string& mistake : mistakes) fmt::print(stderr, "prismbusd: {}\n", mistake);
  return kUsage;
}

int serve(const CommandLine& line) {
  std::vector<std::string> mistakes = line.mistakes;
  std::string config = line.config_file;
  if (config.empty()) config = from_environment("PRISMBUS_CONFIG").value_or("");
  SaidSettings file;
  if (!config.empty()) file = read_settings_file(config, mistakes);
  SettingsOutcome outcome = merge_settings(file, from_environment, line.flags);
  mistakes.insert(mistakes.end(), outcome.mistakes.begin(), outcome.mistakes.end());
  if (!mistakes.empty()) return report(mistakes);

  const LogSink log = make_stderr_log(outcome.settings.log_level);
  log(LogLevel::info, LogLine("starting").with("version", PRISMBUS_VERSION).text());
  for (const EffectiveSetting& setting : outcome.effective) {
    log(LogLevel::info, LogLine("setting")
                            .with("name", setting.key)
                            .with("value", setting.value)
                            .with("from", setting.from)
                            .text());
  }
  auto broker = Composition::open(outcome.settings, log);
  if (!broker) {
    log(LogLevel::error, LogLine("cannot_start").with("reason", broker.error().message).text());
    return kCannotStart;
  }
  const int code = (*broker)->run();
  // After a fault nothing may wait for the disk any more, destructors included.
  if (code != 0) std::_Exit(code);
  return code;
}

int run(int argc, const char* const* argv) {
  const CommandLine line = parse_command_line(argc, argv);
  switch (line.what) {
    case CommandLine::Do::print:
      fmt::print("{}", line.text);
      return 0;
    case CommandLine::Do::check:
      return line.mistakes.empty() ? run_check(line.data_dir) : report(line.mistakes);
    case CommandLine::Do::serve:
      break;
  }
  return serve(line);
}

}  // namespace
}  // namespace prismbus

int main(int argc, char** argv) {
  return prismbus::run(argc, argv);
}

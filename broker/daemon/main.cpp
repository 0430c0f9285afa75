// prismbusd: reads what it was told, says every mistake, and hands over to the composition.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "broker/daemon/check_command.hpp"
#include "broker/daemon/command_line.hpp"
#include "broker/daemon/composition.hpp"
#include "broker/daemon/descriptors.hpp"
#include "broker/daemon/exit_codes.hpp"
#include "broker/daemon/ready_file.hpp"
#include "broker/daemon/reload.hpp"
#include "broker/daemon/restore_command.hpp"
#include "broker/daemon/settings.hpp"
#include "broker/store/directory.hpp"

namespace prismbus {
namespace {

std::optional<std::string> from_environment(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int report(const std::vector<std::string>& mistakes) {
  for (const std::string& mistake : mistakes) fmt::print(stderr, "prismbusd: {}\n", mistake);
  return exit_code::kUsage;
}

// File, environment and flags, as they are now.
SettingsOutcome read_settings(const CommandLine& line) {
  std::vector<std::string> mistakes = line.mistakes;
  std::string config = line.config_file;
  if (config.empty()) config = from_environment("PRISMBUS_CONFIG").value_or("");
  std::optional<SaidSettings> file = SaidSettings{};
  if (!config.empty()) file = read_settings_file(config, mistakes);
  const bool all_read = file && line.mistakes.empty();
  SettingsOutcome outcome = merge_settings(file.value_or(SaidSettings{}), from_environment, line.flags,
                                           all_read ? FileRead::yes : FileRead::no);
  outcome.mistakes.insert(outcome.mistakes.begin(), mistakes.begin(), mistakes.end());
  return outcome;
}

void log_settings(const LogSink& log, LogLevel level, std::string_view event,
                  const std::vector<EffectiveSetting>& settings) {
  for (const EffectiveSetting& setting : settings) {
    log(level, LogLine(event)
                   .with("name", setting.key)
                   .with("value", setting.value)
                   .with("from", setting.from)
                   .text());
  }
}

// What the log lets through may change while the broker serves; any thread logs.
class LogGate {
 public:
  explicit LogGate(LogLevel least) : least_(least), sink_(make_stderr_log(LogLevel::debug)) {}
  void set(LogLevel least) { least_ = least; }
  [[nodiscard]] LogSink sink() {
    return [this](LogLevel level, std::string_view line) {
      if (level >= least_) sink_(level, line);
    };
  }

 private:
  std::atomic<LogLevel> least_;
  const LogSink sink_;
};

// HUP: reads again; with one mistake everything stays.
std::optional<Settings> reload(const CommandLine& line, std::vector<EffectiveSetting>& in_force,
                               LogGate& gate, const LogSink& log) {
  const SettingsOutcome outcome = read_settings(line);
  for (const std::string& mistake : outcome.mistakes) {
    log(LogLevel::error, LogLine("not_reloaded").with("reason", mistake).text());
  }
  if (!outcome.mistakes.empty()) return std::nullopt;
  const Reload changed = compare_settings(in_force, outcome.effective);
  gate.set(outcome.settings.log_level);
  log_settings(log, LogLevel::info, "setting", changed.live);
  log_settings(log, LogLevel::warn, "setting_needs_restart", changed.waiting);
  in_force = outcome.effective;
  return outcome.settings;
}

// Told at the start and not by the first backup that fails at night. Serving goes on without it.
void warn_of_backup_dir(const std::string& dir, const LogSink& log) {
  if (dir.empty()) return;
  std::string why;
  if (auto made = make_directory(dir); !made) {
    why = made.error().message;
  } else if (::access(dir.c_str(), W_OK | X_OK) != 0) {
    why = dir + ": " + std::strerror(errno);
  }
  if (!why.empty()) log(LogLevel::warn, LogLine("backup_dir_unusable").with("reason", why).text());
}

int serve(const CommandLine& line) {
  const SettingsOutcome outcome = read_settings(line);
  if (!outcome.mistakes.empty()) return report(outcome.mistakes);

  const SignalInbox signals;  // before the first thread
  LogGate gate(outcome.settings.log_level);
  const LogSink log = gate.sink();
  log(LogLevel::info, LogLine("starting").with("version", PRISMBUS_VERSION).text());
  std::vector<EffectiveSetting> in_force = outcome.effective;
  log_settings(log, LogLevel::info, "setting", in_force);
  const auto cannot_start = [&log](const std::string& reason) {
    log(LogLevel::error, LogLine("cannot_start").with("reason", reason).text());
    return exit_code::kCannotStart;
  };
  if (auto ready = prepare_ready_file(outcome.settings.ready_file); !ready)
    return cannot_start("--ready-file: " + ready.error().message);
  if (const auto limit = raise_descriptor_limit(); limit < kDescriptorsLeast) {
    return cannot_start(fmt::format("the limit of file descriptors (ulimit -n) is {}: at least {} are needed",
                                    limit, kDescriptorsLeast));
  }
  auto broker = Composition::open(outcome.settings, log);
  if (!broker) return cannot_start(broker.error().message);
  warn_of_backup_dir(outcome.settings.backup_dir, log);
  const int code = (*broker)->run(&signals, [&] { return reload(line, in_force, gate, log); });
  // After a fault nothing may wait for the disk any more, destructors included.
  if (code != 0) std::_Exit(code);
  return code;
}

int run(int argc, const char* const* argv) {
  const CommandLine line = parse_command_line(argc, argv);
  // The mistakes of serving are reported together with those of its settings.
  if (line.what != CommandLine::Do::serve && !line.mistakes.empty()) return report(line.mistakes);
  switch (line.what) {
    case CommandLine::Do::print:
      fmt::print("{}", line.text);
      return 0;
    case CommandLine::Do::check:
      return run_check(line.backup.empty() ? line.data_dir : line.backup);
    case CommandLine::Do::restore:
      return run_restore(line.backup, line.data_dir, line.replace);
    case CommandLine::Do::rebuild:
      return run_rebuild(line.data_dir, line.map_bytes);
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

// Event lines: `event=name key=value ...` on stderr through spdlog. info = life cycle, warn = heals itself,
// error = somebody must act. Never values, tokens or keys of configs (I10). Any thread.
// The broker's and the command's log only: client libraries hand LogLine to the callback of their owner.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace prismbus {

enum class LogLevel { debug, info, warn, error };

using LogSink = std::function<void(LogLevel, std::string_view line)>;

// "event=name" + " key=value"...; a value with spaces, quotes or control characters is quoted and escaped, so
// that one event is always one line.
class LogLine {
 public:
  explicit LogLine(std::string_view event);
  template <class T>
  LogLine& with(std::string_view key, const T& value) {
    append(key, fmt::format("{}", value));
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void append(std::string_view key, std::string_view value);
  std::string text_;
};

// The process's own sink: spdlog to stderr, with time and level. Lines below `least` are dropped.
[[nodiscard]] LogSink make_stderr_log(LogLevel least);

}  // namespace prismbus

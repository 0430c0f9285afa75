#include "perf/row.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string_view>

namespace prismbus::perf {
namespace {

std::string scaled(double value, const char* unit) {
  if (value >= 1e6) return fmt::format("{:.2f} M{}", value / 1e6, unit);
  if (value >= 1e4) return fmt::format("{:.0f} k{}", value / 1e3, unit);
  if (value >= 1e3) return fmt::format("{:.1f} k{}", value / 1e3, unit);
  return fmt::format("{:.0f} {}", value, unit);
}

std::string scaled_time(double seconds) {
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 0.01) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds >= 0.001) return fmt::format("{:.2f} ms", seconds * 1e3);
  if (seconds >= 1e-5) return fmt::format("{:.0f} us", seconds * 1e6);
  return fmt::format("{:.0f} ns", seconds * 1e9);
}

std::string first_line_of_command(const char* command) {
  std::string line;
  FILE* pipe = ::popen(command, "r");
  if (pipe == nullptr) return line;
  for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) line += static_cast<char>(c);
  ::pclose(pipe);
  return line;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

Figure rate(double per_second) {
  return {Figure::Unit::per_second, per_second};
}
Figure duration(std::chrono::nanoseconds t) {
  return {Figure::Unit::time, std::chrono::duration<double>(t).count()};
}

std::string print(const Figure& figure) {
  return figure.unit == Figure::Unit::time ? scaled_time(figure.value) : scaled(figure.value, "/s");
}

std::string table_head() {
  return "| what | ours | raw | ratio | mark | reached | n | conditions |\n|---|---|---|---|---|---|---|---|";
}

std::string print(const Row& row) {
  const auto figure = [](const std::optional<Figure>& f) { return f ? print(*f) : std::string("-"); };
  std::string ratio = "-";
  if (row.ours && row.raw && row.raw->value > 0) {
    const double of = row.ours->value / row.raw->value;
    ratio = row.ours->unit == Figure::Unit::time ? fmt::format("{:.2f} x", of)
                                                 : fmt::format("{:.0f} %", of * 100);
  }
  const char* reached = row.reached ? (*row.reached ? "yes" : "**no**") : "-";
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", row.name, figure(row.ours), figure(row.raw),
                     ratio, row.mark.empty() ? "-" : row.mark, reached, row.n, row.conditions);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

bool is_release_build() {
  return std::string_view(PRISMBUS_BUILD_TYPE) == "Release";
}

std::string describe_machine() {
  utsname kernel{};
  ::uname(&kernel);
  const std::string commit =
      first_line_of_command("git -C '" PRISMBUS_SOURCE_DIR "' describe --always --dirty 2>/dev/null");
  return fmt::format("commit {}, {} x {}, Linux {}, {} build, LMDB default sync (fsync on every commit)",
                     commit.empty() ? "unknown" : commit, ::sysconf(_SC_NPROCESSORS_ONLN), cpu_model(),
                     kernel.release, PRISMBUS_BUILD_TYPE);
}

}  // namespace prismbus::perf

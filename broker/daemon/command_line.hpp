// The command line of prismbusd: what to do, and the settings said by flags. CLI11 reports by throwing; the
// .cpp is its wall.
#pragma once

#include <string>
#include <vector>

#include "broker/daemon/settings.hpp"

namespace prismbus {

struct CommandLine {
  enum class Do : std::uint8_t { serve, check, print } what = Do::serve;
  std::string text;         // print: help or version
  SaidSettings flags;       // serve
  std::string config_file;  // serve; empty = none
  std::string data_dir;     // check
  std::vector<std::string> mistakes;
};

[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace prismbus

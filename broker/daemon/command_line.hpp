// The command line of prismbusd: what to do, and the settings said by flags. CLI11 reports by throwing; the
// .cpp is its wall.
#pragma once

#include <string>
#include <vector>

#include "broker/daemon/settings.hpp"

namespace prismbus {

struct CommandLine {
  enum class Do : std::uint8_t { serve, check, restore, rebuild, print } what = Do::serve;
  std::string text;           // print: help or version
  SaidSettings flags;         // serve
  std::string config_file;    // serve; empty = none
  std::string data_dir;       // check, restore, rebuild
  std::string backup;         // check, restore: the file; empty = none
  bool replace = false;       // restore
  std::size_t map_bytes = 0;  // rebuild
  std::vector<std::string> mistakes;
};

[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace prismbus

// prismbus: the command for people and scripts. See run.cpp for the command line, one file for each command.
#include "publisher/command/command.hpp"

int main(int argc, char** argv) {
  auto terminal = prismbus::command::standard_terminal();
  return prismbus::command::run({argv + 1, argv + argc}, prismbus::process_environment(), terminal);
}

// What a token says, in a person's words or as JSON. Its signature is never printed. One thread.
#pragma once

#include <string>

#include "proto/token/token_verifier.hpp"
#include "publisher/command/command.hpp"

namespace prismbus::command {

struct InspectedToken {
  std::string file = "-";  // `-`: standard input
  std::string keys;        // "" = not verified
  TokenRules rules;        // judged when it is verified
};

// What a file of one token holds, without its line feed; `-` = standard input.
[[nodiscard]] Outcome<std::string> read_token(const std::string& file, Terminal& terminal);

// Exit::denied: it is no token, or `keys` are given and it would be refused.
[[nodiscard]] Outcome<void> inspect_token(const InspectedToken& what, Invocation& in);

}  // namespace prismbus::command

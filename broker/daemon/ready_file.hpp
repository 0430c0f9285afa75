// The ready file: tells whoever started the broker that it serves, and where. Written whole or not at all.
#pragma once

#include <string>
#include <vector>

#include "proto/wire/error.hpp"

namespace prismbus {

struct ReadyNotice {
  int pid = 0;
  std::vector<std::string> requests, changes, express, gateway;  // as bound
};

[[nodiscard]] std::string ready_text(const ReadyNotice& notice);  // one line of JSON
// Before the broker serves: removes the file of an earlier life, which would say that it serves already, and
// makes sure that a new one can be written. An empty path is none, and fine. Errors as of write_ready_file.
[[nodiscard]] Result<void> prepare_ready_file(const std::string& path);
// Errors: unavailable, with the path and the reason.
[[nodiscard]] Result<void> write_ready_file(const std::string& path, const ReadyNotice& notice);
void remove_ready_file(const std::string& path);  // what is not there is fine

}  // namespace prismbus

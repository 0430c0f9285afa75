// The console's page and what it loads: the files of broker/gateway/console, part of the binary as they stand
// there. They hold no data, so nobody needs a token for them. Constant data and pure functions, any thread.
#pragma once

#include <span>
#include <string_view>

#include "broker/gateway/http/http_message.hpp"

namespace prismbus {

struct ConsoleFile {
  std::string_view name;  // without a folder
  std::string_view content;
};

constexpr std::string_view kConsolePage = "index.html";

// Written by embed_console.cmake when the project is built.
[[nodiscard]] std::span<const ConsoleFile> console_files();

// The file, or 304 when the browser has it, or 404. Its tag follows from the content: a page and scripts of
// two versions of a broker are never mixed, since each is asked for anew.
[[nodiscard]] HttpResponse console_response(const HttpRequest& request, std::string_view name);

}  // namespace prismbus

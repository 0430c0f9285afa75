// A temporary directory for an outbox, gone with it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace prismbus {

struct OutboxFolder {
  std::string path;
  OutboxFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-outbox-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~OutboxFolder() { std::filesystem::remove_all(path); }
  OutboxFolder(const OutboxFolder&) = delete;
  OutboxFolder& operator=(const OutboxFolder&) = delete;
  [[nodiscard]] std::string box() const { return path + "/spool/outbox"; }  // not there yet
};

}  // namespace prismbus

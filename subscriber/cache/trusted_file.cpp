#include "subscriber/cache/trusted_file.hpp"

#include <cerrno>

#include "proto/wire/file_error.hpp"

namespace prismbus {

tl::unexpected<Error> system_failed(const std::string& what) {
  return tl::unexpected<Error>(system_error(what, errno));
}

Result<std::string> read_trusted_file(int at, const std::string& path, std::uint64_t bytes_max) {
  const auto failed = [&path](const FileFault& fault) {
    return tl::unexpected<Error>(file_error(fault, path));
  };
  const auto file = open_checked_file(at, path.c_str(), {.size_max = bytes_max});
  if (!file) return failed(file.error());
  std::string bytes(static_cast<std::size_t>(file->size), '\0');
  const auto had = read_fully(file->handle, bytes.data(), bytes.size());
  if (!had) return failed(had.error());
  bytes.resize(*had);
  return bytes;
}

}  // namespace prismbus

#include "proto/wire/file_error.hpp"

#include <cerrno>
#include <cstring>

namespace prismbus {

Error system_error(const std::string& what, int error_number) {
  const int code = error_number;
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG || code == EROFS;
  const ErrorCode named = code == ENOENT                     ? ErrorCode::not_found
                          : code == ELOOP || code == ENOTDIR ? ErrorCode::invalid_argument
                          : full                             ? ErrorCode::read_only
                                                             : ErrorCode::unavailable;
  return error_of(named, what + ": " + (code == ELOOP ? "a symbolic link" : std::strerror(code)));
}

Error file_error(const FileFault& fault, const std::string& path) {
  const auto refused = [&path](const char* why) {
    return error_of(ErrorCode::invalid_argument, path + " " + why);
  };
  switch (fault.kind) {
    case FileFault::Kind::no_regular_file:
      return refused("is not a regular file");
    case FileFault::Kind::other_owner:
      return refused("belongs to another user");
    case FileFault::Kind::open_to_others:
      return refused(fault.refused == kOthersWrite ? "may be written by others"
                                                   : "is open to others: chmod 0600 it");
    case FileFault::Kind::too_large:
      return over_limit("file", path + " is too large", fault.size_max, fault.size);
    case FileFault::Kind::system:
      break;
  }
  return system_error(std::string(fault.doing) + " " + path, fault.error_number);
}

Result<void> sync_directory(const std::string& path) {
  if (const auto synced = fsync_directory(path); !synced)
    return tl::unexpected<Error>(file_error(synced.error(), path));
  return {};
}

}  // namespace prismbus

#include "broker/daemon/ready_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

namespace prismbus {
namespace {

tl::unexpected<Error> failure(const std::string& what, const std::string& path) {
  const std::string reason = std::strerror(errno);
  return fail(ErrorCode::unavailable, what + " " + path + ": " + reason);
}

bool write_and_sync(int fd, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(fd, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    written += static_cast<std::size_t>(n);
  }
  return ::fsync(fd) == 0;
}

}  // namespace

std::string ready_text(const ReadyNotice& notice) {
  nlohmann::ordered_json json;
  json["pid"] = notice.pid;
  json["requests"] = notice.requests;
  json["changes"] = notice.changes;
  json["express"] = notice.express;
  json["gateway"] = notice.gateway;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<void> prepare_ready_file(const std::string& path) {
  if (path.empty()) return {};
  remove_ready_file(path);
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failure("cannot write", path);
  ::close(fd);
  ::unlink(temporary.c_str());
  return {};
}

Result<void> write_ready_file(const std::string& path, const ReadyNotice& notice) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failure("cannot write", temporary);
  const bool written = write_and_sync(fd, ready_text(notice));
  ::close(fd);
  if (!written) return failure("cannot write", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failure("cannot rename to", path);
  return {};
}

void remove_ready_file(const std::string& path) {
  if (!path.empty()) ::unlink(path.c_str());
}

}  // namespace prismbus

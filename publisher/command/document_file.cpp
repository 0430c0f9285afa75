#include "publisher/command/document_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "proto/base/random.hpp"

namespace prismbus::command {
namespace {

constexpr std::size_t kFileBytes = 256u << 20;  // far above any configuration; a device or a log is a mistake

Outcome<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_failure(path, "write", errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return file_failure(path, "sync", errno);
  return {};
}

}  // namespace

Outcome<std::string> read_text(const std::string& path, std::istream& standard_input) {
  std::ifstream file;
  if (path != "-") {
    errno = 0;
    file.open(path, std::ios::binary);
    if (!file) return file_failure(path, "read", errno == 0 ? EIO : errno);
  }
  std::istream& in = path == "-" ? standard_input : file;
  std::string text, block(1u << 16, '\0');
  errno = 0;
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kFileBytes) return file_failure(path, "import", EFBIG);
  }
  if (in.bad() || errno == EISDIR) return file_failure(path, "read", errno == 0 ? EIO : errno);
  return text;
}

Outcome<void> write_atomically(const std::string& path, std::string_view text) {
  const std::string beside = fmt::format("{}.{:016x}.new", path, random_u64());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return file_failure(path, "write", errno);
  auto written = write_all(fd, text, path);
  ::close(fd);
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = file_failure(path, "replace", errno);
  if (!written) ::unlink(beside.c_str());
  return written;
}

}  // namespace prismbus::command

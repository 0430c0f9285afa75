#include "publisher/command/value_editor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "publisher/command/child_process.hpp"
#include "publisher/command/document_file.hpp"

namespace prismbus::command {
namespace {

std::string editor() {
  for (const char* name : {"VISUAL", "EDITOR"}) {
    const char* said = std::getenv(name);
    if (said != nullptr && *said != '\0') return said;
  }
  return "vi";
}

// While an editor has the terminal, its keys are the editor's: Ctrl-C must not end this process below it.
class IgnoredKeys {
 public:
  IgnoredKeys() : interrupt_(::signal(SIGINT, SIG_IGN)), quit_(::signal(SIGQUIT, SIG_IGN)) {}
  ~IgnoredKeys() {
    ::signal(SIGINT, interrupt_);
    ::signal(SIGQUIT, quit_);
  }
  IgnoredKeys(const IgnoredKeys&) = delete;
  IgnoredKeys& operator=(const IgnoredKeys&) = delete;

 private:
  using Handler = void (*)(int);
  Handler interrupt_, quit_;
};

}  // namespace

Outcome<EditedText> EditedText::create(std::string_view text, Format format) {
  const char* folder = std::getenv("TMPDIR");
  const std::string_view ending = format_row(format).endings[0];
  std::string path =
      fmt::format("{}/prismbus-XXXXXX{}", folder == nullptr || *folder == '\0' ? "/tmp" : folder, ending);
  const int fd = ::mkostemps(path.data(), static_cast<int>(ending.size()), O_CLOEXEC);  // 0600
  if (fd < 0) return file_failure(path, "make", errno);
  EditedText file(path);
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(fd);
      return file_failure(path, "write", error);
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  ::close(fd);
  return file;
}

EditedText::EditedText(EditedText&& other) noexcept
    : path_(std::exchange(other.path_, {})), kept_(other.kept_) {}
EditedText::~EditedText() {
  if (!path_.empty() && !kept_) ::unlink(path_.c_str());
}

Outcome<void> EditedText::edit() const {
  const IgnoredKeys ignored;
  auto child = Child::start({editor() + " \"$1\"", {path_}, {}, std::nullopt});
  if (!child) return tl::unexpected<Failure>(child.error());
  const int code = child->wait();
  if (code == 0) return {};
  Failure f;
  f.exit = Exit::file;
  f.error.code = ErrorCode::invalid_argument;
  f.error.message =
      fmt::format("the editor {} ended with {}; nothing was written (VISUAL, EDITOR)", editor(), code);
  return tl::unexpected<Failure>(std::move(f));
}

Outcome<std::string> EditedText::read() const {
  std::istringstream none;
  return read_text(path_, none);
}

Outcome<std::optional<Value>> edit_value(EditedText& file, std::string_view text, Format format,
                                         Terminal& terminal) {
  for (;;) {
    if (const auto edited = file.edit(); !edited) return tl::unexpected<Failure>(edited.error());
    const auto now = file.read();
    if (!now) return tl::unexpected<Failure>(now.error());
    if (*now == text || now->find_first_not_of(" \t\r\n") == std::string::npos) return std::optional<Value>();
    auto value = parse_document("the text", *now, format);
    if (value) return std::optional<Value>(std::move(*value));
    Failure f = value.error();
    f.error.message += "; nothing was written";
    if (!terminal.asks) return tl::unexpected<Failure>(std::move(f));
    terminal.err << "prismbus: put: " << value.error().error.message << '\n';
    if (!terminal.confirm("edit it again? [Y/n] ", Terminal::Default::yes)) return tl::unexpected<Failure>(f);
  }
}

}  // namespace prismbus::command

// `put --edit`: a value in the person's own editor. The text lies in a file only its owner may read (0600),
// which is gone when the EditedText goes, unless keep() was called. The command's one thread; blocks while
// the editor runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "publisher/command/document_format.hpp"
#include "publisher/command/terminal/terminal.hpp"

namespace prismbus::command {

class EditedText {
 public:
  // In TMPDIR, else /tmp; named after the format so that editors colour it. Exit::file.
  [[nodiscard]] static Outcome<EditedText> create(std::string_view text, Format format);
  ~EditedText();
  EditedText(EditedText&& other) noexcept;
  EditedText& operator=(EditedText&&) = delete;
  EditedText(const EditedText&) = delete;

  // Runs $VISUAL, else $EDITOR, else vi, and waits. Exit::file when it ends with anything but 0.
  [[nodiscard]] Outcome<void> edit() const;
  [[nodiscard]] Outcome<std::string> read() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  explicit EditedText(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool kept_ = false;
};

// What the person made of `text`; nullopt = nothing was changed. A mistake in it is told, and on a terminal
// they may edit again; not on a terminal, or when they would not: the mistake, Exit::usage.
[[nodiscard]] Outcome<std::optional<Value>> edit_value(EditedText& file, std::string_view text, Format format,
                                                       Terminal& terminal);

}  // namespace prismbus::command

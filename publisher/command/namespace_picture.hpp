// All keys of one namespace at one revision, for import and export, and whether it was ever written. Used by
// the command's one thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "publisher/command/documents/difference.hpp"
#include "publisher/command/failure.hpp"
#include "publisher/command/session.hpp"

namespace prismbus::command {

struct NamespacePicture {
  bool exists = false;  // it had a transaction at some time
  Epoch epoch;
  Revision rev;  // of the namespace's last change set in the picture
  Seq seq;
  std::map<std::string, Current> keys;
};

// A long listing comes in pages of different revisions; the namespace's hash proves that they fit together,
// and the reading is repeated while they do not. Exit::try_later when the namespace changes too fast for
// that.
[[nodiscard]] Outcome<NamespacePicture> read_namespace(Session& session, const std::string& ns);

// Exit::not_found when `ns` never had a transaction. For a command that found nothing there, which is an
// answer only about a namespace that exists; deleting all of its keys does not end it.
[[nodiscard]] Outcome<void> require_written(Session& session, const std::string& ns,
                                            std::string_view context);
[[nodiscard]] tl::unexpected<Failure> never_written(const std::string& ns, std::string_view context);

}  // namespace prismbus::command

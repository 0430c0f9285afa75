// prismbus backup: lets the broker write everything it holds to one file.
#include <fmt/format.h>

#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

Outcome<void> backup(const std::string& name, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  session->start_over();
  const auto answer = session->wait(session->publisher().backup(name, session->read()), "backup " + name);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  const BackupReply& b = answer->value;
  if (in.globals.json) {
    Fields reply = ok_reply(answer->epoch, answer->rev);
    print_json(in.terminal,
               reply.field("path", b.path).field("bytes", b.bytes).field("sha256", b.sha256).take());
  } else {
    in.terminal.out << fmt::format("{}  {} bytes  sha256 {}\n", printable(b.path), b.bytes, b.sha256);
  }
  return {};
}

}  // namespace

void add_backup(Command top) {
  auto name = std::make_shared<std::string>();
  Command sub = top.command("backup", "Back up everything the broker holds to one file");
  sub.option("NAME", *name, "Name of the file in the broker's backup folder").required();
  sub.footer(
      "The broker goes on serving and writing meanwhile; the file is complete and synced when this returns. "
      "The "
      "path is the\n"
      "broker's, below its --backup-dir. A large store takes longer than the usual 5 s: give --timeout. To "
      "go "
      "back to it,\n"
      "stop the broker and run prismbusd restore.\n\n"
      "Examples:\n"
      "  prismbus backup before-release-4.2\n"
      "  prismbus backup nightly --timeout 600 --json | jq -r .path\n");
  sub.action([name](Invocation& in) { return backup(*name, in); });
}

}  // namespace prismbus::command

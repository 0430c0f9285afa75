// prismbus delete: removes one key.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key, note;
  std::optional<std::uint64_t> if_rev;
};

Outcome<void> remove(const Options& o, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  if (const auto reached = session->await_revision(Revision(o.if_rev.value_or(0)), o.ns, o.key); !reached)
    return reached;
  WriteCall call = session->write();
  if (o.if_rev) call.if_rev = Revision(*o.if_rev);
  if (!o.note.empty()) call.note = o.note;
  const auto done = session->wait(session->publisher().remove(o.ns, o.key, std::move(call)),
                                  fmt::format("delete {} {}", o.ns, o.key));
  if (!done) return tl::unexpected<Failure>(done.error());
  if (in.globals.json) {
    Fields reply = ok_reply(done->epoch, done->rev);
    reply.field("seq", done->seq.value());
    if (done->duplicate) reply.field("duplicate", true);
    print_json(in.terminal, reply.take());
  } else {
    in.terminal.out << fmt::format("rev {}  seq {}\n", done->rev.value(), done->seq.value());
  }
  return {};
}

}  // namespace

void add_delete(CommandLine line) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = line.app.add_subcommand("delete", "Remove one key");
  sub->fallthrough();
  sub->add_option("NS", o->ns, "Namespace")->required();
  sub->add_option("KEY", o->key, "Key")->required();
  sub->add_option("--if-rev", o->if_rev, "Remove only if the key is at this revision")->type_name("REV");
  sub->add_option("--note", o->note, "Up to 1 KiB of text kept with the revision")->type_name("TEXT");
  sub->footer(
      "Exit code 4 when there is no such key; then no revision is made.\n\n"
      "Examples:\n"
      "  prismbus delete md.okx api/timeout\n"
      "  prismbus delete md.okx api/timeout --if-rev 12 --note 'back to the default'\n");
  sub->callback([o, &chosen = line.chosen] { chosen = [o](Invocation& in) { return remove(*o, in); }; });
}

}  // namespace prismbus::command

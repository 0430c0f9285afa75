// prismbus delete: removes one key, those with a prefix, or all of a namespace.
#include <fmt/format.h>

#include <memory>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/key_removal.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key, note;
  std::optional<std::string> prefix;
  std::optional<std::uint64_t> if_rev;
  bool whole_namespace = false, yes = false;
};

Outcome<void> remove_one(const Options& o, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  if (auto reached = session->await_revision(Revision(o.if_rev.value_or(0)), o.ns, o.key); !reached)
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

std::string described(const Options& o, const RemovalPlan& plan) {
  std::string text =
      fmt::format("{} {} of {}", plan.keys.size(), plan.keys.size() == 1 ? "key" : "keys", o.ns);
  if (o.prefix) text += " that begin with " + json_quoted(*o.prefix);
  if (plan.parts.size() > 1) text += fmt::format(", in {} transactions: not atomic", plan.parts.size());
  return text;
}

Outcome<void> remove_many(const Options& o, Invocation& in) {
  if (!o.yes && !in.terminal.asks) return misused("--yes", "needed where nobody can be asked");
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  auto plan = plan_removal(*session, o.ns, o.prefix);
  if (!plan) return tl::unexpected<Failure>(plan.error());
  const std::string what = described(o, *plan);
  if (!o.yes && !in.terminal.confirm("delete " + printable(what) + "? [y/N] ", Terminal::Default::no)) {
    return misused("delete", "not confirmed; nothing was deleted");
  }
  const auto removed = remove_keys(*session, std::move(*plan), o.note);
  if (!removed) return tl::unexpected<Failure>(removed.error());
  if (in.globals.json) {
    Fields reply = ok_reply(removed->epoch, removed->rev);
    reply.field("seq", removed->seq.value()).field("deleted", std::uint64_t{removed->keys});
    print_json(in.terminal, reply.field("transactions", std::uint64_t{removed->transactions}).take());
    return {};
  }
  in.terminal.out << fmt::format("deleted {}; rev {}  seq {}\n", printable(what), removed->rev.value(),
                                 removed->seq.value());
  return {};
}

Outcome<void> remove(const Options& o, bool has_key, Invocation& in) {
  const int ways = (has_key ? 1 : 0) + (o.prefix ? 1 : 0) + (o.whole_namespace ? 1 : 0);
  if (ways != 1) return misused("KEY", "give one of KEY, --prefix PREFIX and --namespace");
  if (has_key) return remove_one(o, in);
  if (o.if_rev) return misused("--if-rev", "is for one KEY");
  return remove_many(o, in);
}

}  // namespace

void add_delete(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("delete", "Delete one key, all with a prefix, or a whole namespace");
  sub.option("NS", o->ns, "Namespace").required();
  const Option key = sub.option("KEY", o->key, "Key");
  sub.option("--prefix", o->prefix, "Remove every key that begins with this").type_name("TEXT");
  sub.flag("--namespace", o->whole_namespace, "Remove every key of the namespace");
  sub.flag("-y,--yes", o->yes, "Do not ask for confirmation");
  sub.option("--if-rev", o->if_rev, "Remove only if the key is at this revision")
      .type_name("REV")
      .whole_number();
  sub.option("--note", o->note, "A note to keep with the revision, up to 1 KiB").type_name("TEXT");
  sub.footer(
      "Exit code 4 when there is no such key; then no revision is made. --prefix and --namespace say how "
      "many "
      "keys there\n"
      "are and ask; they are one transaction, or several (not atomic, and said so) when one cannot hold "
      "them. A "
      "key that\n"
      "changed since it was counted is a conflict, exit code 5. The namespace keeps its history and its "
      "seq.\n\n"
      "Examples:\n"
      "  prismbus delete md.okx symbols/BTC-USDT\n"
      "  prismbus delete md.okx api/timeout --if-rev 12 --note 'back to the default'\n"
      "  prismbus delete md.okx --prefix symbols/ --yes\n"
      "  prismbus delete md.okx --namespace --yes --note 'venue closed'\n");
  sub.action([o, key](Invocation& in) { return remove(*o, key.given(), in); });
}

}  // namespace prismbus::command

// prismbus diff: what is different in a namespace between two moments.
#include <fmt/format.h>

#include <memory>

#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/difference_lines.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, from;
  std::string to = "now";
  bool reveal = false;
};

Outcome<void> diff(const Options& o, Invocation& in) {
  const auto from = parse_start(o.from, "--from");
  if (!from) return tl::unexpected<Failure>(from.error());
  const auto to = parse_moment(o.to, "--to");
  if (!to) return tl::unexpected<Failure>(to.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto from_rev = revision_at(*session, o.ns, *from);
  if (!from_rev) return tl::unexpected<Failure>(from_rev.error());
  const auto to_rev =
      to->is_now() ? Outcome<Revision>(Revision(0)) : revision_reached_at(*session, o.ns, *to, "--to");
  if (!to_rev) return tl::unexpected<Failure>(to_rev.error());
  for (const Revision rev : {*from_rev, *to_rev}) {
    if (auto reached = session->await_revision(rev, o.ns, "-"); !reached) return reached;
  }
  const auto answer = read_diff(*session, o.ns, *from_rev, *to_rev);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  if (answer->changes.empty()) {
    if (auto written = require_written(*session, o.ns, "diff"); !written) return written;
  }
  const Shown shown = answer->changes.empty()
                          ? Shown::masked
                          : SecretValues(*session, {"diff", o.ns, o.reveal}, in.terminal).shown(o.ns);
  if (in.globals.json) {
    Value::Array changes;
    for (const KeyDifference& d : answer->changes) changes.push_back(key_difference_value(d, shown));
    Fields reply = ok_reply(answer->epoch, answer->rev);
    print_json(in.terminal,
               reply.field("changes", Value::array(std::move(changes))).field("more", false).take());
    return {};
  }
  std::vector<Difference> differences;
  for (const KeyDifference& d : answer->changes) differences.push_back(to_difference(d));
  print_differences(differences, shown, in.terminal);
  return {};
}

}  // namespace

void add_diff(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("diff", "Print what differs in a namespace between two moments");
  sub.option("NS", o->ns, "Namespace").required();
  sub.option("--from", o->from, "The earlier moment; 0 is before everything").type_name("WHEN").required();
  sub.option("--to", o->to, "The later one (default now)").type_name("WHEN");
  add_reveal(sub, o->reveal);
  sub.footer(
      "+ added, - removed, ~ changed. No difference is no output and exit code 0; 4 when NS was never "
      "written, "
      "11 when the\nbroker has trimmed that history.\n" +
      std::string(kMomentHelp) + std::string(kRevealHelp) +
      "\nExamples:\n"
      "  prismbus diff md.okx --from 1\n"
      "  prismbus diff md.okx --from -2h\n"
      "  prismbus diff md.okx --from 1 --reveal\n"
      "  prismbus diff md.okx --from 2 --to 5 --json | jq -r '.changes[].key'\n");
  sub.action([o](Invocation& in) { return diff(*o, in); });
}

}  // namespace prismbus::command

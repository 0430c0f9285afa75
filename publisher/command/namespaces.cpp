// prismbus namespaces: which namespaces there are, and how each stands.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

Outcome<void> namespaces(const std::string& under, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto answer = session->wait(session->publisher().namespaces(under, session->read()), "namespaces");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  if (in.globals.json) {
    Value::Array rows;
    for (const NamespaceRow& row : answer->value) rows.push_back(namespace_value(row));
    Fields reply = ok_reply(answer->epoch, answer->rev);
    print_json(in.terminal,
               reply.field("namespaces", Value::array(std::move(rows))).field("more", false).take());
    return {};
  }
  if (answer->value.empty()) return {};
  const bool secrets = std::any_of(answer->value.begin(), answer->value.end(),
                                   [](const NamespaceRow& row) { return row.secret; });
  std::vector<std::string> header{"NAMESPACE", "KEYS", "BYTES", "SEQ", "REV", "HASH", "LAST CHANGE"};
  if (secrets) header.emplace_back("SECRET");
  Table table(header);
  for (const std::size_t column : {1u, 2u, 3u, 4u}) table.align_right(column);
  for (const NamespaceRow& row : answer->value) {
    std::vector<std::string> cells{row.ns,
                                   fmt::format("{}", row.keys),
                                   fmt::format("{}", row.bytes),
                                   fmt::format("{}", row.head.seq.value()),
                                   fmt::format("{}", row.head.rev.value()),
                                   hex_text(row.head.hash),
                                   time_text(row.head.time)};
    if (secrets) cells.emplace_back(row.secret ? "secret" : "");
    table.row(std::move(cells));
  }
  table.print(in.terminal);
  return {};
}

}  // namespace

void add_namespaces(Command top) {
  auto under = std::make_shared<std::string>();
  Command sub = top.command("namespaces", "Print the namespaces and their heads");
  sub.option("UNDER", *under, "Only this namespace and those below it");
  sub.footer(
      "SEQ counts the namespace's transactions, REV is the broker's revision of the last one; HASH covers "
      "all live keys\n"
      "and revisions: two copies of a namespace with the same SEQ and HASH are equal. SECRET marks those "
      "that the policy calls\n"
      "secret, if there are any.\n\n"
      "Examples:\n"
      "  prismbus namespaces\n"
      "  prismbus namespaces md\n"
      "  prismbus namespaces --json | jq '.namespaces[] | select(.keys > 100)'\n");
  sub.action([under](Invocation& in) { return namespaces(*under, in); });
}

}  // namespace prismbus::command

#include "publisher/command/export_seed.hpp"

#include <fmt/format.h>

#include "publisher/command/document_file.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/command/snapshot_picture.hpp"
#include "subscriber/cache/seed_file.hpp"
#include "subscriber/sync/namespace_patterns.hpp"

namespace prismbus::command {

Outcome<void> export_seed(const std::string& ns, const SeedOptions& o, bool reveal, Invocation& in) {
  const auto excluded = NamespacePatterns::make(o.exclude, "--exclude");
  if (!excluded) return tl::unexpected<Failure>(Failure{Exit::usage, excluded.error()});  // names the flag
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto picture = read_snapshot(*session, ns, o.subtree);
  if (!picture) return tl::unexpected<Failure>(picture.error());
  SecretValues secrets(*session, {"export", ns, reveal}, in.terminal);
  const Wall seen = read_clock().wall;
  std::string bytes;
  std::uint64_t namespaces = 0, keys = 0, left_out = 0;
  auto entry = picture->entries.begin();
  for (const auto& [name, head] : picture->heads) {
    if (head.seq == Seq()) continue;  // never written
    if (excluded->covers(name)) {
      ++left_out;
      while (entry != picture->entries.end() && entry->first.first == name) ++entry;
      continue;
    }
    if (auto fine = secrets.require_shown(name, " (or leave it out: --exclude)"); !fine) return fine;
    SeedSection section(bytes, picture->epoch, name);
    for (; entry != picture->entries.end() && entry->first.first == name; ++entry) {
      const Entry& e = entry->second;
      section.add(e.key, e.value, e.rev, e.version, e.time);
      ++keys;
    }
    section.end({head.seq, head.rev, head.time, 0, seen});
    ++namespaces;
  }
  if (namespaces == 0 && left_out == 0) return never_written(ns, "export");
  if (namespaces == 0) {
    Error e;
    e.code = ErrorCode::not_found;
    e.message = "everything in " + ns + " is excluded";
    return failed(e, "export");
  }
  if (const auto written = write_atomically(o.path, bytes); !written)
    return tl::unexpected<Failure>(written.error());
  if (!in.globals.json) return {};
  Fields reply = ok_reply(picture->epoch, picture->rev);
  reply.field("namespaces", namespaces);
  reply.field("keys", keys);
  if (!o.exclude.empty()) reply.field("excluded", left_out);
  print_json(in.terminal, reply.field("path", o.path).take());
  return {};
}

}  // namespace prismbus::command

#include "publisher/command/namespace_picture.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

constexpr int kAttempts = 10;

Outcome<NamespaceRow> read_row(Session& session, const std::string& ns) {
  auto answer = session.wait(session.publisher().namespaces(ns, session.read()), ns);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  const auto& rows = answer->value;
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&ns](const NamespaceRow& row) { return row.ns == ns; });
  return at == rows.end() ? NamespaceRow{} : *at;  // seq 0: it never had a transaction
}

}  // namespace

Outcome<NamespacePicture> read_namespace(Session& session, const std::string& ns) {
  auto row = read_row(session, ns);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (!row) return tl::unexpected<Failure>(row.error());
    ListCall call;
    call.ns = ns;
    call.read = session.read();
    const auto listed = session.wait(session.publisher().list(std::move(call)), ns);
    if (!listed) return tl::unexpected<Failure>(listed.error());
    std::uint64_t hash = 0;
    for (const Entry& e : listed->value) hash += entry_hash(e.key, e.rev);
    if (hash != row->head.hash) row = read_row(session, ns);  // it moved on before the listing, or during it
    if (row && hash == row->head.hash) {
      NamespacePicture picture{row->head.seq.value() > 0, listed->epoch, row->head.rev, row->head.seq, {}};
      for (const Entry& e : listed->value) picture.keys.emplace(e.key, Current{stored_value(e.value), e.rev});
      return picture;
    }
  }
  Error e;
  e.code = ErrorCode::unavailable;
  e.message = fmt::format("it kept changing while it was read, {} times", kAttempts);
  return failed(e, ns);
}

Outcome<void> require_written(Session& session, const std::string& ns, std::string_view context) {
  session.start_over();
  const auto row = read_row(session, ns);
  if (!row) return tl::unexpected<Failure>(row.error());
  if (row->head.seq.value() == 0) return never_written(ns, context);
  return {};
}

tl::unexpected<Failure> never_written(const std::string& ns, std::string_view context) {
  Error e;
  e.code = ErrorCode::not_found;
  e.message = ns + " has never been written";
  e.ns = ns;
  return failed(e, context);
}

}  // namespace prismbus::command

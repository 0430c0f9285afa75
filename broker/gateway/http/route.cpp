#include "broker/gateway/http/route.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace prismbus {
namespace {

using Type = QueryField::Type;

constexpr QueryField kKey{"key", Type::text, "The key, any key: also one with empty, `.` or `..` parts.",
                          true};
constexpr QueryField kNote{"note", Type::text, "Why, for people; kept with the transaction."};
constexpr QueryField kAfter{"after", Type::cursor, "The cursor that the page before gave, in base64."};
constexpr QueryField kLimit{"limit", Type::number, "Entries a page, at the most."};
constexpr QueryField kSubtree{"subtree", Type::flag, "Also the namespaces below."};
constexpr QueryField kAt{"at", Type::number, "As it was after this revision."};
constexpr QueryField kAtTime{"at_time", Type::number, "As it was at this moment, microseconds since 1970."};
constexpr QueryField kMinRev{"min_rev", Type::number, "Not before this revision is applied."};
constexpr QueryField kConsistency{"consistency", Type::text, "linearizable or local."};

constexpr std::array kNothing = std::array<QueryField, 0>{};
constexpr std::array kRead{kAt, kAtTime, kMinRev, kConsistency};
constexpr std::array kReadKey{kKey, kAt, kAtTime, kMinRev, kConsistency};
constexpr std::array kWrite{kNote};
constexpr std::array kWriteKey{kKey, kNote};
constexpr std::array kList{kSubtree,
                           QueryField{"prefix", Type::text, "Only keys that begin so."},
                           QueryField{"glob", Type::text, "Only keys that match: `?`, `*`, `**`."},
                           QueryField{"values", Type::flag, "false: entries without their values."},
                           kAfter,
                           kLimit,
                           kAt,
                           kAtTime,
                           kMinRev,
                           kConsistency};
constexpr QueryField kBefore{"before", Type::number, "Only versions older than this revision."};
constexpr std::array kHistory{kBefore, kAfter, kLimit};
constexpr std::array kHistoryKey{kKey, kBefore, kAfter, kLimit};
constexpr std::array kDiff{QueryField{"from", Type::number, "A revision.", true},
                           QueryField{"to", Type::number, "A revision; 0 is now.", true}, kAfter, kLimit};
constexpr std::array kChanges{
    QueryField{"since", Type::number, "Change sets of the namespace behind this seq."}, kSubtree,
    QueryField{"since_rev", Type::number, "With subtree: behind this revision."}, kAfter, kLimit};
constexpr std::array kNamespaces{QueryField{"under", Type::text, "This one and all below; all when absent."},
                                 kAfter, kLimit};
constexpr std::array kSubscribers{QueryField{"ns", Type::text, "Only who follows it."}, kAfter, kLimit};
constexpr std::array kAudit{QueryField{"ns", Type::text, "Only records about it."},
                            QueryField{"by", Type::text, "Only of this principal."},
                            QueryField{"since", Type::number, "Not older, microseconds since 1970."}, kAfter,
                            kLimit};
constexpr std::array kSnapshot{kSubtree};
constexpr std::array kSocket{
    QueryField{"name", Type::text, "Of the program, for people."},
    QueryField{"instance", Type::text, "Of this one of them: a row of subscribers, which may ack."}};
constexpr std::array kMetrics{
    QueryField{"namespaces", Type::flag, "Figures by namespace too: for a token that administers."},
    QueryField{"under", Type::text, "Of these, this namespace and those below; 200 in the order of names."}};

constexpr std::string_view kConfig = "/api/v1/config/{ns}", kEntry = "/api/v1/config/{ns}/{key}";

// A path with a fixed last segment stands before the one with `{key}`.
const auto kRoutes = std::to_array<Route>({
    {Verb::get, "/api/v1/config/{ns}/list", "list", Writes::nothing, Answer::reply, BodyKind::none, kList,
     "Entries in key order."},
    {Verb::get, "/api/v1/config/{ns}/version", "namespaces", Writes::nothing, Answer::row, BodyKind::none,
     kNothing, "The namespace's seq, revision, counts and hash."},
    {Verb::get, kEntry, "get", Writes::nothing, Answer::entry, BodyKind::none, kRead, "One entry."},
    {Verb::put, kEntry, "put", Writes::key, Answer::put, BodyKind::value, kWrite,
     "Writes one key; the body is its value."},
    {Verb::post, kEntry, "put", Writes::key, Answer::put, BodyKind::value, kWrite, "As PUT."},
    {Verb::del, kEntry, "delete", Writes::key, Answer::reply, BodyKind::none, kWrite, "Deletes one key."},
    {Verb::get, kConfig, "get", Writes::nothing, Answer::entry, BodyKind::none, kReadKey,
     "One entry, of any key."},
    {Verb::put, kConfig, "put", Writes::key, Answer::put, BodyKind::value, kWriteKey, "Writes any key."},
    {Verb::post, kConfig, "put", Writes::key, Answer::put, BodyKind::value, kWriteKey, "As PUT."},
    {Verb::del, kConfig, "delete", Writes::key, Answer::reply, BodyKind::none, kWriteKey, "Deletes any key."},
    {Verb::get, "/api/v1/history/{ns}/{key}", "history", Writes::nothing, Answer::reply, BodyKind::none,
     kHistory, "What each transaction did to a key, newest first."},
    {Verb::get, "/api/v1/history/{ns}", "history", Writes::nothing, Answer::reply, BodyKind::none,
     kHistoryKey, "The same of any key."},
    {Verb::get, "/api/v1/diff/{ns}", "diff", Writes::nothing, Answer::reply, BodyKind::none, kDiff,
     "Keys that differ between two revisions."},
    {Verb::post, "/api/v1/rollback/{ns}", "rollback", Writes::more, Answer::reply, BodyKind::object, kNothing,
     "Gives a namespace, or one key, the values it had: {to, key?, note?}."},
    {Verb::post, "/api/v1/txn", "txn", Writes::more, Answer::reply, BodyKind::object, kNothing,
     "All or nothing: {do: [{op, ns, key, value?}], if?: [{ns, key, rev}], note?}."},
    {Verb::post, "/api/v1/mget/{ns}", "mget", Writes::nothing, Answer::reply, BodyKind::object, kNothing,
     "Many keys: {keys: [..], after?, limit?, at?, ...}."},
    {Verb::get, "/api/v1/namespaces", "namespaces", Writes::nothing, Answer::reply, BodyKind::none,
     kNamespaces, "Namespaces."},
    {Verb::get, "/api/v1/changes/{ns}", "changes", Writes::nothing, Answer::reply, BodyKind::none, kChanges,
     "Change sets behind a seq, or of a subtree behind a revision."},
    {Verb::get, "/api/v1/subscribers", "subscribers", Writes::nothing, Answer::reply, BodyKind::none,
     kSubscribers, "Who follows, and how far each has come."},
    {Verb::get, "/api/v1/audit", "audit", Writes::nothing, Answer::reply, BodyKind::none, kAudit,
     "Who did what, oldest first: accepted writes, logins, refusals, what administrators did."},
    {Verb::get, "/api/v1/snapshot/{ns}", "list", Writes::nothing, Answer::snapshot, BodyKind::none, kSnapshot,
     "All entries at one revision, a line each."},
    {Verb::get, "/status", "status", Writes::nothing, Answer::reply, BodyKind::none, kNothing,
     "Figures of the broker."},
    {Verb::get, "/metrics", "status", Writes::nothing, Answer::metrics, BodyKind::none, kMetrics,
     "The same for Prometheus."},
    {Verb::get, "/health", "", Writes::nothing, Answer::health, BodyKind::none, kNothing,
     "200 when it lives and is ready."},
    {Verb::get, "/health/live", "", Writes::nothing, Answer::live, BodyKind::none, kNothing,
     "200 when the broker's bus steps."},
    {Verb::get, "/health/ready", "", Writes::nothing, Answer::ready, BodyKind::none, kNothing,
     "200 when it takes writes."},
    {Verb::get, "/ws/config/subscribe", "", Writes::nothing, Answer::socket, BodyKind::none, kSocket,
     "WebSocket: snapshots and changes as they happen."},
    {Verb::get, "/ws/config/notifications", "", Writes::nothing, Answer::socket, BodyKind::none, kNothing,
     "WebSocket: what the broker notices, for who administers everything."},
    {Verb::get, "/openapi.json", "", Writes::nothing, Answer::openapi, BodyKind::none, kNothing,
     "This interface, described."},
    {Verb::get, "/", "", Writes::nothing, Answer::console, BodyKind::none, kNothing,
     "The console, for people."},
    {Verb::get, "/console/{file}", "", Writes::nothing, Answer::console, BodyKind::none, kNothing,
     "What its page loads."},
});

// The segments of a row's path behind its first `/`.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t at = path.find('/');
    out.push_back(path.substr(0, at));
    if (at == std::string_view::npos) return out;
    path.remove_prefix(at + 1);
  }
}

bool leads_to(std::string_view pattern, std::span<const std::string> path, RouteMatch& match) {
  const auto segments = segments_of(pattern);
  const bool open_end = segments.back() == "{key}";
  if (open_end ? path.size() < segments.size() : path.size() != segments.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (!segments[i].starts_with('{') && segments[i] != path[i]) return false;
  }
  match.has_key = open_end;
  match.ns.clear(), match.key.clear(), match.file.clear();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] == "{ns}") match.ns = path[i];
    if (segments[i] == "{file}") match.file = path[i];
    if (segments[i] != "{key}") continue;
    for (std::size_t j = i; j < path.size(); ++j) match.key += (j == i ? "" : "/") + path[j];
  }
  return true;
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

std::string allowed_methods(const RouteMatch& match) {
  std::string out;
  for (const Verb verb : match.verbs) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", name_of(verb));
    if (verb == Verb::get) out += ", HEAD";
  }
  return out + ", OPTIONS";
}

RouteMatch find_route(Verb verb, std::span<const std::string> path) {
  if (verb == Verb::head) verb = Verb::get;
  RouteMatch found, match;
  std::string_view pattern;  // of the first row that fits: later ones with another path do not count
  for (const Route& route : kRoutes) {
    if (!pattern.empty() ? route.path != pattern : !leads_to(route.path, path, match)) continue;
    pattern = route.path;
    found.verbs.push_back(route.verb);
    if (route.verb == verb) found.route = &route;
  }
  found.ns = std::move(match.ns), found.key = std::move(match.key), found.file = std::move(match.file);
  found.has_key = match.has_key;
  return found;
}

}  // namespace prismbus

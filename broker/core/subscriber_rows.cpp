#include "broker/core/subscriber_rows.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {
namespace {

constexpr std::size_t kRowBytes = 256;  // of a row without its lists, about

class RowBuilder {
 public:
  RowBuilder(const RowSources& from, const Principal& reader, std::optional<std::string_view> ns)
      : from_(from), reader_(reader), ns_(ns) {}

  std::optional<SubscriberRow> build(const Follower& follower, Steady now) {
    SubscriberRow row;
    if (ns_) {
      if (!follower.follows(*ns_)) return std::nullopt;
      add(row, *ns_, follower.reached(*ns_));
    } else {
      for (const auto& [ns, seq] : follower.applied) {
        if (may_read(ns)) add(row, ns, seq);
      }
      if (row.names == 0 && !reads_a_subtree(follower)) return std::nullopt;
    }
    row.principal = follower.principal;
    row.instance = follower.instance;
    row.name = follower.name;
    row.labels = follower.labels;
    row.since = follower.since;
    row.endpoint = from_.door.origin_of(follower.connection);
    for (const Rejection& rejection : follower.rejected) {
      if (ns_ ? rejection.ns == *ns_ : may_read(rejection.ns)) add(row, rejection);
    }
    // A number counts too: of what may not be read nothing is told.
    const bool reads_all = reader_.access->may_all_below(Right::read, {});
    row.rejections = ns_ ? follower.refusals_of(*ns_) : reads_all ? follower.rejections : row.rejected.size();
    row.state = follower.state;
    row.silent = follower.seen + from_.table.silent_after() <= now;
    row.last_seen = follower.last_seen;
    row.latency_us = follower.latency_figures();
    bytes_ += kRowBytes;
    for (const auto& [name, text] : row.labels) bytes_ += name.size() + text.size();
    return row;
  }
  [[nodiscard]] bool full() const { return bytes_ >= limits::kPageBytes || heads_ >= RowPage::kHeadsMax; }

 private:
  [[nodiscard]] bool may_read(std::string_view ns) const { return reader_.may_read(ns); }
  bool reads_a_subtree(const Follower& follower) {
    return std::any_of(follower.under.begin(), follower.under.end(),
                       [&](const std::string& under) { return under.empty() || may_read(under); });
  }
  void add(SubscriberRow& row, std::string_view ns, Seq reached) {
    ++row.names;
    if (row.names > RowPage::kHeadsMax) return;
    ++heads_;
    const auto head = from_.heads.head_of(ns);
    if (head && head->seq > reached) row.lag += head->seq.value() - reached.value();
    if (row.applied.size() >= limits::kSubscriberNames) return;
    bytes_ += ns.size() + 9;
    row.applied.emplace_back(ns, reached);
  }
  void add(SubscriberRow& row, const Rejection& rejection) {
    bytes_ += rejection.ns.size() + rejection.key.size() + rejection.reason.size() + 40;
    row.rejected.push_back(rejection);
  }

  const RowSources& from_;
  const Principal& reader_;
  const std::optional<std::string_view> ns_;
  std::size_t bytes_ = 0, heads_ = 0;
};

}  // namespace

RowPage list_subscribers(const RowSources& from, const Principal& reader, const SubscribersRequest& request,
                         ConnectionId after, Steady now) {
  RowPage page;
  RowBuilder builder(from, reader, request.ns);
  const auto most = static_cast<std::size_t>(
      std::min<std::uint64_t>(request.page.limit.value_or(RowPage::kRowsMax), RowPage::kRowsMax));
  const auto& rows = from.table.rows();
  for (auto it = rows.upper_bound(after); it != rows.end(); ++it) {
    auto row = builder.build(it->second, now);
    if (!row) continue;
    page.reply.subscribers.push_back(std::move(*row));
    if (page.reply.subscribers.size() < most && !builder.full()) continue;
    if (std::next(it) != rows.end()) page.last = it->first;
    break;
  }
  page.reply.more = page.last.has_value();
  return page;
}

}  // namespace prismbus

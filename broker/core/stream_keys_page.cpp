#include "broker/core/stream_keys_page.hpp"

#include <algorithm>
#include <vector>

#include "broker/core/cursor_token.hpp"
#include "broker/core/namespace_ranges.hpp"
#include "broker/core/told_names.hpp"
#include "proto/wire/codec/stream_keys.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

class KeysPage {
 public:
  KeysPage(const KeysRequest& request, const KeyTree& tree, const KeysMoment& moment)
      : tree_(tree),
        rows_max_(
            std::min<std::uint64_t>(request.page.limit.value_or(limits::kPageKeys), limits::kPageKeys)) {
    const Period now = moment.period;
    for (const Period period : {now, now.next(), now.previous()}) {
      const bool asked = !request.period || *request.period == period.value();
      if (asked && std::find(periods_.begin(), periods_.end(), period) == periods_.end())
        periods_.push_back(period);
    }
    reply_.period = now.value();
    reply_.ends_in_ms = static_cast<std::uint64_t>(moment.ends_in.count());
  }

  [[nodiscard]] bool full() const { return names_ >= rows_max_; }
  void add(std::string_view ns, bool node) {
    ++names_;
    for (const Period period : periods_) {
      const StreamKey key = node ? tree_.node(period, ns) : tree_.leaf(period, ns);
      reply_.keys.push_back({std::string(ns), node, period.value(), std::string(key.bytes())});
    }
  }
  [[nodiscard]] KeysReply& reply() { return reply_; }

 private:
  const KeyTree& tree_;
  const std::uint64_t rows_max_;
  std::vector<Period> periods_;
  KeysReply reply_;
  std::uint64_t names_ = 0;
};

// The highest name at or above `ns` of which everything below may be read; empty: none. Where a deny stands
// in a grant it opens what lies beside the denied without a leaf for each.
std::string_view readable_top(const Access& access, std::string_view ns) {
  for (std::size_t dot = ns.find('.');; dot = ns.find('.', dot + 1)) {
    const std::string_view name = ns.substr(0, dot);
    if (access.may_all_below(Right::read, name)) return name;
    if (dot == std::string_view::npos) return {};
  }
}

}  // namespace

std::string answer_keys(const ReadView& view, const codec::ReplyHead& head, const KeysRequest& request,
                        const Access& access, const KeyTree& tree, const KeysMoment& moment,
                        std::vector<std::string>& refused) {
  const auto cursor = cursor_of(request.page.after, CursorKind::keys, head.epoch, head.rev);
  if (!cursor) return codec::encode_error_reply(head, cursor.error());
  KeysPage page(request, tree, moment);
  const bool all = request.ns.empty() && request.under.empty();
  const std::vector<std::string_view> unders = all ? std::vector<std::string_view>{""} : request.under;
  std::vector<std::string> nodes;
  for (const std::string_view under : unders) access.add_readable_nodes(under, nodes);
  if (!*cursor) {
    for (const std::string& node : nodes) page.add(node, true);
    for (const std::string_view ns : request.ns) {
      access.may(Right::read, ns) ? page.add(ns, false) : tell_name(refused, ns);
    }
  }
  // Behind the nodes, the namespaces that none of them opens, in byte order over all that was asked.
  const auto is_opened = [&](std::string_view ns) {
    return std::any_of(nodes.begin(), nodes.end(),
                       [ns](const std::string& node) { return is_under(ns, node); });
  };
  std::vector<NamespaceRange> ranges;
  for (const std::string_view under : unders) {
    if (is_opened(under) || (under.empty() && !nodes.empty() && nodes.front().empty())) continue;
    for (NamespaceRange& range : at_and_below(under)) ranges.push_back(std::move(range));
  }
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string last = *cursor ? (*cursor)->ns : std::string();
  bool more = false;
  for (const NamespaceRange& range : ranges) {
    const std::string from = std::max(range.first, last);
    if (more || !range.before_end(from)) continue;
    const auto read = view.scan_namespaces(from, [&](std::string_view ns, const RecentHead&) {
      if (!range.before_end(ns)) return false;
      if (ns == last || !access.may(Right::read, ns) || is_opened(ns)) return true;
      if (const auto top = readable_top(access, ns); !top.empty() && is_under(last, top))
        return true;  // told before
      if (page.full()) {
        more = true;
        return false;
      }
      last = ns;
      const std::string_view top = readable_top(access, ns);
      if (top.empty()) {
        page.add(ns, false);
      } else {
        page.add(top, true);
        nodes.emplace_back(top);
      }
      return true;
    });
    if (!read) return codec::encode_error_reply(head, read.error());
  }
  KeysReply& reply = page.reply();
  reply.more = more;
  if (more) reply.after = encode_cursor({CursorKind::keys, head.epoch, head.rev, 0, last, {}});
  return codec::encode_keys_reply(head, reply);
}

}  // namespace prismbus

#include "broker/core/read_scope.hpp"

namespace prismbus {

Result<std::vector<NamespaceRange>> readable_at_and_below(const ReadView& view, const Access& access,
                                                          std::string_view under) {
  std::vector<NamespaceRange> all = at_and_below(under);
  if (access.may_all_below(Right::read, under)) return all;
  std::vector<NamespaceRange> readable;
  for (const NamespaceRange& range : all) {
    const auto read = view.scan_namespaces(range.first, [&](std::string_view ns, const RecentHead&) {
      if (!range.before_end(ns)) return false;
      if (access.may(Right::read, ns)) readable.push_back(exactly(ns).front());
      return true;
    });
    if (!read) return tl::unexpected(read.error());
  }
  return readable;
}

}  // namespace prismbus

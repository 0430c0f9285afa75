// Which namespaces changed lately, in the order of their last change: what a follower that acks is compared
// with, so that an ack costs what changed and not what exists. Holds seqs only; heads are read where they are
// kept. Bus thread. Bounded by kNamespacesMax (I8): the one that is longest unchanged is forgotten first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/store/transaction.hpp"
#include "proto/base/bytes.hpp"

namespace prismbus {

class HeadBoard {
 public:
  static constexpr std::size_t kNamespacesMax = 65'536;  // about 15 MB

  // Of an applied transaction: every namespace it touches is the latest now.
  void apply(const StoredTransaction& txn);
  // Nobody is compared with it any more.
  void clear();

  // The order number of the latest change; later ones are greater. 0 = none yet. Never reused.
  [[nodiscard]] std::uint64_t latest() const { return latest_; }
  // The seq of a namespace's last change; nullopt = it did not change lately.
  [[nodiscard]] std::optional<Seq> find(std::string_view ns) const;
  // Namespaces whose last change is later than `order`, ascending, as long as `each` answers true.
  void since(std::uint64_t order,
             const std::function<bool(std::uint64_t order, std::string_view ns, Seq seq)>& each) const;
  [[nodiscard]] std::size_t size() const { return by_ns_.size(); }

 private:
  struct Row {
    std::uint64_t order = 0;
    Seq seq;
  };
  using ByNamespace = std::unordered_map<std::string, Row, BytesHash, std::equal_to<>>;
  ByNamespace by_ns_;
  std::map<std::uint64_t, ByNamespace::const_pointer> by_order_;  // nodes of an unordered_map stay
  std::uint64_t latest_ = 0;
};

}  // namespace prismbus

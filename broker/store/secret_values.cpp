#include "broker/store/secret_values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace prismbus {

Result<std::string_view> open_value(const ValueVault* vault, const ValuePlace& place,
                                    std::string_view on_disk, std::string& buffer) {
  if (!is_sealed_value(on_disk)) return on_disk;
  if (vault != nullptr && vault->open(place, on_disk, buffer)) return std::string_view(buffer);
  return fail(ErrorCode::internal,
              fmt::format("revision {} of {}/{}: {}", place.rev.value(), place.ns, place.key,
                          vault == nullptr ? "its value is sealed, and security is off"
                                           : "its value does not open with this stream.master"));
}

Result<TransactionPtr> with_open_values(TransactionPtr txn, const ValueVault* vault) {
  const auto is_closed = [](const auto& set) { return set->closed; };
  if (std::none_of(txn->sets.begin(), txn->sets.end(), is_closed)) return txn;
  auto out = copy_without_sets(*txn);
  std::string plain;
  for (const auto& set : txn->sets) {
    std::string encoded = set->encoded;
    for (const StoredChange& change : set->changes) {
      if (!set->closed || change.sealed.empty()) continue;
      const auto value = open_value(vault, {set->ns, change.key, txn->rev}, change.sealed, plain);
      if (!value) return unexpected<Error>(value.error());
      encoded.replace(static_cast<std::size_t>(change.value.data() - set->encoded.data()), value->size(),
                      *value);
    }
    out->sets.push_back(copy_set(*set, std::move(encoded), 0));
    out->sets.back()->closed = false;
  }
  return TransactionPtr(std::move(out));
}

}  // namespace prismbus

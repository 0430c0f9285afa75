#include "broker/store/new_epoch.hpp"

#include "broker/store/record_bytes.hpp"

namespace prismbus {
namespace {

// A map of at most 15 fields whose first is called "epoch"; its value is an integer of MessagePack.
constexpr std::string_view kName =
    "\xa5"
    "epoch";
constexpr std::size_t kNumberAt = 1 + kName.size();

struct Number {
  std::uint64_t value = 0;
  std::size_t bytes = 0;  // 0: no integer
};

Number number_at(std::string_view bytes) {
  RecordReader in(bytes);
  const std::uint8_t type = in.u8();
  Number out;
  switch (type) {
    case 0xcc:
      out = {in.u8(), 2};
      break;
    case 0xcd:
      out = {in.be16(), 3};
      break;
    case 0xce:
      out = {in.be32(), 5};
      break;
    case 0xcf:
      out = {in.be64(), 9};
      break;
    default:
      if (type < 0x80) out = {type, 1};
  }
  return in.ok() ? out : Number{};
}

Number epoch_at(std::string_view encoded) {
  if (encoded.size() < kNumberAt || (static_cast<std::uint8_t>(encoded[0]) & 0xf0) != 0x80) return {};
  if (encoded.substr(1, kName.size()) != kName) return {};
  return number_at(encoded.substr(kNumberAt));
}

// The smallest form, as the codec writes it.
std::string number_bytes(std::uint64_t value) {
  std::string out;
  if (value < 0x80) {
    append_u8(out, static_cast<std::uint8_t>(value));
  } else if (value <= UINT8_MAX) {
    append_u8(out, 0xcc);
    append_u8(out, static_cast<std::uint8_t>(value));
  } else if (value <= UINT16_MAX) {
    append_u8(out, 0xcd);
    append_be16(out, static_cast<std::uint16_t>(value));
  } else if (value <= UINT32_MAX) {
    append_u8(out, 0xce);
    append_be32(out, static_cast<std::uint32_t>(value));
  } else {
    append_u8(out, 0xcf);
    append_be64(out, value);
  }
  return out;
}

Result<std::unique_ptr<StoredSet>> set_with_epoch(const StoredSet& set, Epoch epoch) {
  const Number old = epoch_at(set.encoded);
  if (old.bytes == 0) return fail(ErrorCode::internal, "a change set that does not begin with its epoch");
  const std::string number = number_bytes(epoch.value());
  std::string encoded = set.encoded;
  encoded.replace(kNumberAt, old.bytes, number);
  return copy_set(set, std::move(encoded),
                  static_cast<std::ptrdiff_t>(number.size()) - static_cast<std::ptrdiff_t>(old.bytes));
}

}  // namespace

std::optional<Epoch> epoch_of_set(std::string_view encoded) {
  const Number number = epoch_at(encoded);
  return number.bytes == 0 ? std::nullopt : std::optional(Epoch(number.value));
}

Result<TransactionPtr> with_epoch(const StoredTransaction& txn, Epoch epoch) {
  auto out = copy_without_sets(txn);
  for (const auto& set : txn.sets) {
    auto moved = set_with_epoch(*set, epoch);
    if (!moved) {
      return unexpected<Error>(
          in_context("journal record " + std::to_string(txn.rev.value()), moved.error()));
    }
    out->sets.push_back(std::move(*moved));
  }
  return TransactionPtr(std::move(out));
}

}  // namespace prismbus

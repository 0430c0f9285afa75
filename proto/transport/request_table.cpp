#include "proto/transport/request_table.hpp"

#include <algorithm>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kSlotMask = RequestTable::kSlotsMax - 1;
constexpr unsigned kSlotBits = 16;

}  // namespace

PendingRequest& RequestTable::add() {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    PRISMBUS_ASSERT(slots_.size() < kSlotsMax, "in_flight_max is below the number of slots");
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  PendingRequest& request = slots_[slot];
  request.id = ++count_ << kSlotBits | slot;
  ++used_;
  return request;
}

PendingRequest* RequestTable::find(std::uint64_t id) {
  const std::uint64_t slot = id & kSlotMask;
  if (slot >= slots_.size() || slots_[slot].id != id || id == 0) return nullptr;
  return &slots_[slot];
}

void RequestTable::remove(std::uint64_t id) {
  PendingRequest* request = find(id);
  PRISMBUS_ASSERT(request != nullptr, "a request is removed once");
  *request = PendingRequest{};
  free_.push_back(static_cast<std::uint32_t>(id & kSlotMask));
  --used_;
}

std::vector<std::uint64_t> RequestTable::ids() const {
  std::vector<std::uint64_t> out;
  out.reserve(used_);
  for (const PendingRequest& request : slots_) {
    if (request.id != 0) out.push_back(request.id);
  }
  std::sort(out.begin(), out.end());  // the counter stands above the slot
  return out;
}

AfterError after_error(ErrorCode code) {
  switch (error_row(code).retry) {
    case Retry::after_hello:
      return AfterError::hello_then_repeat;
    case Retry::after_delay:
    case Retry::with_request_id:
      return AfterError::repeat_later;
    case Retry::no:
    case Retry::after_reread:
    case Retry::after_snapshot:
    case Retry::later:
      break;
  }
  return AfterError::give_to_caller;
}

Error expiry_error(const PendingRequest& request) {
  if (request.sent == 0) return fail(ErrorCode::unavailable, "no broker answered; nothing was sent").value();
  if (request.answered >= request.sent && request.last) return *request.last;
  return fail(ErrorCode::timeout, "no answer in time; the outcome is unknown").value();
}

}  // namespace prismbus

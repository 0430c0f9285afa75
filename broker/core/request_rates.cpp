#include "broker/core/request_rates.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {
namespace {

Error over_rate(const char* whose, std::chrono::milliseconds wait) {
  return overloaded(whose, static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 1)));
}

}  // namespace

RequestRates::RequestRates(std::unique_ptr<Authoriser> who_asks, ReplySink& door, Drop drop)
    : who_asks_(std::move(who_asks)), door_(door), drop_(std::move(drop)) {}

void RequestRates::set(const RateSettings& rates) {
  addresses_.set_rate(rates.address_requests_per_second);
  principals_.set_rate(rates.principal_requests_per_second);
}

bool RequestRates::take(Allowances& allowances, std::string_view name, std::uint64_t& refused,
                        ConnectionId connection, Now now) {
  const Allowances::Take took = allowances.take(name, now.steady);
  if (took == Allowances::Take::granted) return true;
  ++refused;
  if (took == Allowances::Take::hopeless && drop_(connection)) ++counters_.cut;
  return false;
}

bool RequestRates::entered(ConnectionId connection, Now now) {
  entered_ = true;
  refusal_.reset();
  if (!addresses_.limited()) return true;
  const std::string address = door_.origin_of(connection);
  const std::uint64_t cut_before = counters_.cut;
  if (!take(addresses_, address, counters_.of_address, connection, now)) {
    refusal_ = over_rate("too many requests come from this address", addresses_.wait_of(address));
  }
  return counters_.cut == cut_before;
}

Authoriser::Answer RequestRates::authenticate(const ReplyTo& from, std::string_view payload,
                                              const Request& request, Now now) {
  if (!entered_) return who_asks_->authenticate(from, payload, request, now);
  if (refusal_) return std::move(*std::exchange(refusal_, std::nullopt));
  Answer answer = who_asks_->authenticate(from, payload, request, now);
  if (!principals_.limited()) return answer;
  const auto* const known = std::get_if<const Principal*>(&answer);
  if (known == nullptr) return answer;
  const std::string& name = (*known)->name;
  if (take(principals_, name, counters_.of_principal, from.connection, now)) return answer;
  return over_rate("too many requests of this principal", principals_.wait_of(name));
}

}  // namespace prismbus

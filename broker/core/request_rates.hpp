// How many requests a second one address and one principal may send. Stands before whoever finds out who
// asks: the address is charged when a request comes through the door, whatever it says, the principal once he
// is known. Over the limit is `overloaded` with a time; who goes on at more than twice of it is cut. A
// request that comes again from inside (its token was verified, its revision is applied) is not charged
// again. Bus thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "broker/core/allowances.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/settings.hpp"

namespace prismbus {

class RequestRates final : public Authoriser {
 public:
  // Cuts a connection; false when it is gone already.
  using Drop = std::function<bool(ConnectionId)>;

  // `door` outlives this.
  RequestRates(std::unique_ptr<Authoriser> who_asks, ReplySink& door, Drop drop);

  void set(const RateSettings& rates);

  // A request came through the door and is handed on until left(). False: it was its sender's last one.
  [[nodiscard]] bool entered(ConnectionId connection, Now now);
  void left() { entered_ = false; }

  Answer authenticate(const ReplyTo& from, std::string_view payload, const Request& request,
                      Now now) override;
  void on_rules(const AccessRulesPtr& rules) override { who_asks_->on_rules(rules); }
  void on_gone(ConnectionId connection) override { who_asks_->on_gone(connection); }
  std::size_t take_verified(const std::function<void(const ReplyTo&, std::string_view)>& again) override {
    return who_asks_->take_verified(again);
  }

  [[nodiscard]] RateCounters rate_counters() const override { return counters_; }
  [[nodiscard]] TokenFailures token_failures() const override { return who_asks_->token_failures(); }
  [[nodiscard]] const RateCounters& counters() const { return counters_; }

 private:
  [[nodiscard]] bool take(Allowances& allowances, std::string_view name, std::uint64_t& refused,
                          ConnectionId connection, Now now);

  const std::unique_ptr<Authoriser> who_asks_;
  ReplySink& door_;
  const Drop drop_;
  Allowances addresses_, principals_;
  bool entered_ = false;          // the request under way comes from the door
  std::optional<Error> refusal_;  // of its address
  RateCounters counters_;
};

}  // namespace prismbus

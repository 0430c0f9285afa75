// Who asks, with security on: tokens, verified once and known by their hash until they end, bound to
// connections by `hello`; void as soon as they end, are revoked, or the keys that verified them are taken
// away. Bus thread; what takes long is the token agent's. Everything is bounded: tokens known, requests that
// wait, failures of one connection and of one address (I8).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/security/failure_limits.hpp"
#include "broker/security/token_agent.hpp"

namespace prismbus {

class TokenDesk final : public Authoriser {
 public:
  static constexpr std::size_t kKnownMax = 65'536;        // tokens; the older half makes room
  static constexpr std::size_t kRefusedKnownMax = 4'096;  // bad tokens, so that each is verified once
  static constexpr std::size_t kWaitingOfOneMax = 256;    // requests of one connection that wait for a token
  static constexpr std::chrono::seconds kRefusedFor{10};

  // Cuts a connection that shows bad tokens again and again.
  using Drop = std::function<void(ConnectionId)>;

  // All outlive this.
  TokenDesk(BoundedQueue<TokenJob>& to_verify, BoundedQueue<TokenDone>& from_verify, ReplySink& door,
            Drop drop);

  Answer authenticate(const ReplyTo& from, std::string_view payload, const Request& request,
                      Now now) override;
  void on_rules(const AccessRulesPtr& rules) override { rules_ = rules; }
  void on_gone(ConnectionId connection) override;
  std::size_t take_verified(const std::function<void(const ReplyTo&, std::string_view)>& again) override;

  [[nodiscard]] TokenFailures token_failures() const override { return failures_; }

 private:
  struct Known {
    std::string principal, hash;
    std::shared_ptr<const Access::Grants> grants;
    Wall expires{};
    std::optional<Wall> issued;
  };
  using KnownPtr = std::shared_ptr<const Known>;
  struct Verified {
    KnownPtr known;  // null: refused
    Error refused;
    Steady until = Steady::max();  // a refusal may end: a token's time comes
  };
  // Two halves: what is looked up moves to the young one, and the old one goes when that is full.
  class Memory {
   public:
    explicit Memory(std::size_t most) : half_(most / 2) {}
    [[nodiscard]] const Verified* find(const std::string& hash);
    void put(const std::string& hash, Verified verified);
    void clear();

   private:
    std::size_t half_;
    std::unordered_map<std::string, Verified> young_, old_;
  };
  struct Binding {
    std::string token;
    Principal principal;  // under `rules`
    KnownPtr known;       // null: to be verified again
    AccessRulesPtr rules;
  };

  [[nodiscard]] Answer by_token(const ReplyTo& from, std::string_view payload, std::string token, bool bind,
                                Now now);
  [[nodiscard]] Answer by_binding(const ReplyTo& from, std::string_view payload, Now now);
  [[nodiscard]] Answer verify_later(const ReplyTo& from, std::string_view payload, std::string token,
                                    std::string hash, Now now);
  [[nodiscard]] const Verified* look_up(const std::string& hash, Now now);
  // It counts against its connection and address too.
  [[nodiscard]] Answer fail_of(const ReplyTo& from, const Error& error, Now now);
  void count(const Error& refusal);
  [[nodiscard]] Principal principal_of(const Known& known) const;

  BoundedQueue<TokenJob>& to_verify_;
  BoundedQueue<TokenDone>& from_verify_;
  ReplySink& door_;
  const Drop drop_;
  AccessRulesPtr rules_ = std::make_shared<const AccessRules>();
  Memory known_{kKnownMax}, refused_{kRefusedKnownMax};
  std::unordered_map<ConnectionId, Binding> bindings_;  // bounded by the process's descriptors
  std::unordered_map<ConnectionId, std::size_t> waiting_;
  FailureLimits limits_;
  Principal passing_;  // of the request under way, when its token is its own
  std::vector<TokenDone> done_;
  TokenFailures failures_;
};

}  // namespace prismbus

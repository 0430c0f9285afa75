// The validators of one subscriber: which namespaces they cover, and what they say of a change. Stops their
// exceptions. Part of SyncState, on its thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/error.hpp"
#include "subscriber/sync/follow_set.hpp"
#include "subscriber/sync/key_selection.hpp"
#include "subscriber/view/validator.hpp"

namespace prismbus {

class ValidatorSet {
 public:
  // The first mistake: invalid_argument, naming `validators[2].keys` and the like.
  [[nodiscard]] static Result<void> validate(const std::vector<Validator>& validators,
                                             const FollowSet& follow);

  explicit ValidatorSet(std::vector<Validator> validators);

  [[nodiscard]] bool covers(std::string_view ns) const;

  struct Refusal {
    std::string reason;   // fit for an ack
    std::string_view by;  // the validator's name
  };
  // Asks those that cover the key, in the order they were given, until one refuses.
  [[nodiscard]] std::optional<Refusal> judge(const ProposedChange& change);
  [[nodiscard]] std::uint64_t exceptions() const { return exceptions_; }

 private:
  struct Row {
    Validator validator;
    KeySelection selection;
  };
  [[nodiscard]] std::optional<std::string> ask(const Validator& validator, const ProposedChange& change);

  std::vector<Row> rows_;
  std::uint64_t exceptions_ = 0;
};

// Text for a person as an ack may carry it: UTF-8 without control characters, at most limits::kReasonBytes.
[[nodiscard]] std::string fit_reason(std::string text);

}  // namespace prismbus

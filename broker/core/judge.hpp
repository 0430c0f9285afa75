// validate: holds a write against the ledger. Compare-and-set first, then what is not there (PROTOCOL section
// 4, order of judgement). Pure but for its look-ups; bus thread.
#pragma once

#include <variant>
#include <vector>

#include "broker/core/ledger.hpp"
#include "broker/core/write_intent.hpp"

namespace prismbus {

// The write may be sequenced: what each item finds, in `do` order.
struct Judged {
  std::vector<KeyFact> facts;
};
// It may not. When `rests_on` is set the answer waits until that pending revision is durable (I2), and is
// true at it.
struct Refused {
  Error error;
  Revision rests_on;
};
// It compares with a revision that is not applied yet.
struct MustWait {
  Revision until_applied;
};

using Verdict = std::variant<Judged, Refused, MustWait>;

[[nodiscard]] Verdict judge(const WriteIntent& intent, Ledger& ledger, Revision applied);

}  // namespace prismbus

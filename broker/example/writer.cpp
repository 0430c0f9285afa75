#include "broker/example/writer.hpp"

namespace prismbus::example {

Publisher::WriteCallback Writer::answer_to(std::string what) {
  {
    const std::lock_guard lock(mutex_);
    ++count_.called;
  }
  return [this, what = std::move(what)](const Result<WriteOutcome>& outcome) {
    const std::lock_guard lock(mutex_);
    if (outcome) {
      ++count_.acknowledged;
    } else {
      count_.failures.push_back(what + ": " + outcome.error().message);
    }
  };
}

void Writer::remember(const Transaction& transaction) {
  for (const Transaction::Step& step : transaction.changes()) {
    const std::pair name(step.ns, step.key);
    if (step.op == ChangeOp::put) {
      expected_[name] = step.value;
      removed_.erase(name);
    } else {
      expected_.erase(name);
      removed_[name] = true;
    }
  }
}

void Writer::write(const LoggedSet& set, std::size_t number) {
  Transaction logged;
  for (const LoggedChange& change : set) {
    if (change.removes) {
      logged.remove(plan_.log_ns, change.key);
    } else {
      logged.put(plan_.log_ns, change.key, change.value);
    }
  }
  remember(logged);
  publisher_.commit(std::move(logged), {}, answer_to("set " + std::to_string(number)));

  for (int i = 0; i < kPutsASet; ++i) {
    Transaction put;
    put.put(plan_.live_ns, "live/last_price/" + std::to_string(i),
            1000.0 + static_cast<double>(number) + 0.5 * i);
    remember(put);
    const Transaction::Step step = put.changes().front();
    publisher_.put(step.ns, step.key, EncodedValue{step.value}, {}, answer_to(step.key));
  }

  // One revision over two namespaces: whoever follows the subtree gets both.
  Transaction session;
  session.put(plan_.live_ns, "live/session", number);
  session.put(plan_.root + ".session", "set", number);
  session.put(plan_.root + ".session", "set/" + std::to_string(number % 7), std::string("written"));
  remember(session);
  publisher_.commit(std::move(session), {}, answer_to("session " + std::to_string(number)));
}

Writer::Count Writer::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

bool Writer::must_be_gone(const std::string& ns, const std::string& key) const {
  return removed_.contains({ns, key});
}

}  // namespace prismbus::example

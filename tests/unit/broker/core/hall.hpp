// What the rooms of the hallway are tested in: a store in memory-backed files, with pending and recent over
// it, and writes that are judged, built and brought as far as a test wants them.
#pragma once

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/build_transaction.hpp"
#include "broker/core/judge.hpp"
#include "broker/core/ledger.hpp"
#include "broker/core/pending.hpp"
#include "broker/store/read_view.hpp"
#include "broker/store/store.hpp"

namespace prismbus::testing {

class Scratch {
 public:
  Scratch() {
    std::string name = "/dev/shm/prismbus_core_XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Hall {
  Scratch scratch;
  Store store = open(scratch.path());
  StateReader state{store.state};
  Recent recent{Revision(0)};
  Pending pending;
  Ledger ledger{pending, recent, state};
  RuleBook rules{[](LogLevel, std::string_view) {}};
  LanePlan lanes{false, rules};
  Revision last;

  static Store open(const std::string& dir) {
    auto store = Store::open({dir + "/data", std::size_t{32} << 20});
    REQUIRE(store.has_value());
    return std::move(*store);
  }

  using Do = TxnRequest::Do;
  using If = TxnRequest::If;
  // Sequenced: durable in the journal, and pending.
  TransactionPtr sequence(std::vector<Do> items, std::vector<If> conditions = {}) {
    WriteIntent intent;
    intent.op = WriteOp::txn;
    intent.items = std::move(items);
    intent.conditions = std::move(conditions);
    const Verdict verdict = judge(intent, ledger, recent.applied());
    REQUIRE(std::holds_alternative<Judged>(verdict));
    last = last.next();
    const Wall time = from_micros(1'000'000 * last.value());
    auto txn = TransactionBuilder(rules, std::nullopt)
                   .build(intent, std::get<Judged>(verdict),
                          {store.journal.meta().epoch, last, time, "anonymous"}, ledger, lanes);
    REQUIRE(txn.has_value());
    REQUIRE(store.journal.append(std::vector{*txn}).has_value());
    pending.add(*txn, {}, {}, {});
    return *txn;
  }
  // ... and applied.
  TransactionPtr apply(std::vector<Do> items) {
    TransactionPtr txn = sequence(std::move(items));
    while (pending.front() != nullptr) recent.apply(pending.pop_front().txn);
    unfolded.push_back(txn);
    return txn;
  }
  TransactionPtr put(std::string_view ns, std::string_view key, std::string_view value = "\xa1v") {
    return apply({{ChangeOp::put, ns, key, value}});
  }
  TransactionPtr del(std::string_view ns, std::string_view key) {
    return apply({{ChangeOp::del, ns, key, {}}});
  }
  // ... and folded, and gone from recent.
  void fold() {
    REQUIRE(store.state.fold(unfolded, Wall{}).has_value());
    unfolded.clear();
    state.renew();
    recent.drop_folded(last);
  }

  std::vector<TransactionPtr> unfolded;
};

}  // namespace prismbus::testing

// Who is told of everything that is applied, besides the stream: for doors that push by another way (the
// gateway's WebSockets). Called on the bus thread; must not block.
#pragma once

#include "broker/core/notice.hpp"
#include "broker/core/rule_book.hpp"
#include "broker/store/transaction.hpp"

namespace prismbus {

class LiveTap {
 public:
  virtual ~LiveTap() = default;
  // Applied just now: in order of rev, none left out.
  virtual void on_applied(const TransactionPtr& txn) = 0;
  // In force for what is applied from here on.
  virtual void on_rules(const AccessRulesPtr& rules) = 0;
  virtual void on_notice(Notice notice) = 0;
};

}  // namespace prismbus

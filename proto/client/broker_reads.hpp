// Reads of the broker itself, for those who also hold a copy: what is not followed, what is newest at this
// very moment, what was. Any thread may call, callbacks too; answers come from a background thread and a
// connection of its own, begun by the first call, so they disturb no stream and wait for no callback. Every
// call is answered within its timeout. A request sent after a reply came never sees an older revision (I9).
// fork(): the thread and its socket stay with the parent.
//
//   auto tick = reads.get("market.binance", "BTCUSDT/tick_size", {.at_time = an_hour_ago}).get();
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/log.hpp"
#include "proto/client/read_calls.hpp"
#include "proto/transport/client_connection.hpp"

namespace prismbus {

struct BrokerReadsOptions {
  std::vector<std::string> brokers{"tcp://127.0.0.1:7400"};  // request endpoints; one is used at a time
  ClientIdentity client{};
  Credentials credentials{};  // of brokers with security on; load_profile(process_environment()) finds them
  std::chrono::milliseconds timeout{10'000};  // from the call to the answer, all pages
  std::size_t open_max = 256;  // reads not answered yet; one more is answered `overloaded` at once
  LogSink log{};               // may be empty; called on the background thread
};

class BrokerReads {
 public:
  // Does not connect yet. invalid_argument: no broker, a malformed endpoint, timeout or open_max out of
  // range.
  [[nodiscard]] static Result<std::unique_ptr<BrokerReads>> open(BrokerReadsOptions options);
  ~BrokerReads();  // stops
  BrokerReads(const BrokerReads&) = delete;
  BrokerReads& operator=(const BrokerReads&) = delete;

  // Errors of all: `overloaded`, `unavailable` (no broker answered in time, or stopped), `timeout` (it was
  // asked, and silent), the protocol's table; of what `at` or `at_time` reaches below the kept history
  // `compacted` with its floor; `other_history` when the revision given is of another one.

  // `not_found` when the key does not exist. With a default: value_or (proto/client/value_of.hpp).
  ReadFuture<Entry> get(std::string_view ns, std::string_view key, const ReadCall& call = {});
  // In the order asked, nullopt for what does not exist; all pages.
  ReadFuture<std::vector<std::optional<Entry>>> mget(std::string_view ns, std::vector<std::string> keys,
                                                     const ReadCall& call = {});
  // All pages, in order of namespace and key; the pages may be of different revisions, `rev` is the first
  // one's. With `at` they are of one.
  ReadFuture<std::vector<Entry>> list(ListCall call);
  // All pages; `under` empty = everything but the broker's own.
  ReadFuture<std::vector<NamespaceRow>> namespaces(std::string_view under = {}, const ReadCall& call = {});
  // One page each; `more` and `after` in the reply say whether and how it goes on.
  ReadFuture<HistoryReply> history(HistoryCall call);
  ReadFuture<DiffReply> diff(DiffCall call);

  // Answers what is open and every later call with `unavailable`, and waits for the background thread: under
  // a second. Not on that thread.
  void stop();

 private:
  class Impl;
  explicit BrokerReads(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus

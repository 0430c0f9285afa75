// The writing client. Any thread may call; one background thread owns the connection (publisher.cpp starts
// it). Every write carries a request id and is repeated safely until it is answered or its time is over (I7):
// a failure other than `timeout` means "not done", `timeout` means "unknown", success means durable. Writes
// of one key leave one after another, in the order of the calls (unless `order_per_key` is off); writes of
// different keys are in flight together and have no order. It keeps nothing on disk, unless it is given a
// directory for an outbox: then writes called while no broker answers are stored there, answered with
// `WriteOutcome::queued`, and applied in the order of the calls when one does (outbox_options.hpp). While it
// empties, writes of keys that it holds go in behind them, all others go to the broker beside it.
// fork(): threads and sockets stay with the parent. A child may exec or _exit, and open a Publisher of its
// own; it never calls or destroys the parent's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/log.hpp"
#include "proto/client/read_calls.hpp"
#include "proto/transport/client_connection.hpp"
#include "proto/wire/acknowledgement.hpp"
#include "proto/wire/audit_record.hpp"
#include "proto/wire/messages.hpp"
#include "publisher/outbox/outbox_options.hpp"
#include "publisher/transaction.hpp"

namespace prismbus {

struct PublisherOptions {
  std::vector<std::string> brokers{"tcp://127.0.0.1:7400"};  // request endpoints; one is used at a time
  ClientIdentity client{};
  Credentials credentials{};  // of brokers with security on; load_profile(process_environment()) finds them
  std::chrono::milliseconds write_timeout{30'000};  // from the call to the final answer; at most 30 minutes
  std::chrono::milliseconds read_timeout{10'000};
  std::size_t window =
      1024;  // writes in flight; above 1,024 several request-id sessions are used; at most 8,192
  std::size_t queue_max = 65'536;  // calls waiting for the window
  bool wait_when_full = true;      // false: a call that finds the queue full is answered `overloaded` at once
  bool order_per_key = true;
  // Above 0 (at most 1 s): plain puts (no if_rev, no note) called within so long of each other leave as one
  // transaction: many more puts a second for up to that much latency. Each caller gets its own answer; those
  // that left together share a revision, and in a namespace a seq, and are seen together. Two puts of a key
  // never share a transaction: every put keeps a version of its own in the history. Any other write, a
  // flush() and a second write of a key send at once what is held back; what is refused together is sent
  // again one by one. Not together with an outbox.
  std::chrono::microseconds coalesce_window{0};
  // A broker refuses `hello`, most often for its token: what is open is answered so as soon as every broker
  // was tried, instead of when its time is over. For programs that end then; a service waits for a new token.
  bool end_when_refused = false;
  OutboxOptions outbox{};  // off unless it has a directory
  LogSink log{};           // may be empty; called on the background thread
};

// What became of one write.
struct WriteOutcome {
  Epoch epoch;
  Revision rev;
  Seq seq;                    // put, remove; of a transaction: that of its first namespace
  std::uint64_t version = 0;  // put: writes of this key since it was created
  std::vector<std::pair<std::string, Seq>> seqs;  // transaction: of every namespace in it
  std::vector<std::uint64_t> versions;            // transaction: in the order of its changes, 0 for removals
  std::uint64_t changes = 0;  // rollback: keys written; 0 = nothing differed, and there is no new revision
  // Set: no broker answered, the write is durable in the outbox under this id and not applied yet; its
  // outcome comes from there. Nothing else here is meant then.
  std::optional<std::uint64_t> queued;
  bool duplicate = false;  // an earlier attempt had been applied; this is its outcome
};

struct WriteCall {
  std::optional<Revision> if_rev{};  // 0 = must not exist; n = its rev must be n; else `conflict`
  std::optional<std::string> note{};
  std::optional<std::chrono::milliseconds> timeout{};  // instead of write_timeout
};

// One page of change sets: those behind `since` of each namespace, or those of a subtree behind a revision.
struct ChangesCall {
  std::vector<std::pair<std::string, Seq>> since{};  // this, or the next two
  std::optional<std::string> under{};
  Revision since_rev{};
  std::optional<std::string> after{};  // the cursor of the page before
  ReadCall read{};                     // `epoch`: of the numbers and the cursor; `min_rev` is not asked for
};

// One chunk of a snapshot; the chunks after the first may be of later revisions.
struct SnapshotCall {
  std::string ns{};
  bool subtree = false;
  std::optional<std::string> after{};
  ReadCall read{};
};

// One page of those who follow; of `ns` when it is given.
struct SubscribersCall {
  std::optional<std::string> ns{};
  std::optional<std::uint64_t> limit{};  // rows in the page, at most
  std::optional<std::string> after{};
  ReadCall read{};
};

// One page of who did what, oldest first; of one namespace, one principal, from a time on.
struct AuditCall {
  std::optional<std::string> ns{}, by{};
  std::optional<Wall> since{};
  std::optional<std::uint64_t> limit{};  // records in the page, at most
  std::optional<std::string> after{};
  ReadCall read{};
};

class Publisher {
 public:
  template <class T>
  using Future = std::future<Result<T>>;
  // Runs on the background thread; must not block it. An exception is caught, counted and logged.
  using WriteCallback = std::function<void(Result<WriteOutcome>)>;

  // Starts the background thread; does not wait for a broker. invalid_argument: no broker, a malformed
  // endpoint, a setting out of range. unavailable: another process holds the outbox's directory, or it cannot
  // be opened.
  [[nodiscard]] static Result<std::unique_ptr<Publisher>> open(PublisherOptions options);
  // Stops: see stop().
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Writes. Malformed names and sizes over the limits are answered at once, without the broker. Blocks only
  // when the queue is full and wait_when_full is set, never longer than the write's timeout, never on the
  // background thread. Errors: the protocol's table; `overloaded`, `unavailable`, `internal`, lost replies
  // and silent brokers have been repeated until the timeout; `read_only` and `conflict` are the caller's at
  // once.
  Future<WriteOutcome> put(std::string_view ns, std::string_view key, EncodedValue value,
                           WriteCall call = {});
  template <class T>
  Future<WriteOutcome> put(std::string_view ns, std::string_view key, const T& native, WriteCall call = {}) {
    return put(ns, key, EncodedValue::of(native), std::move(call));
  }
  Future<WriteOutcome> remove(std::string_view ns, std::string_view key, WriteCall call = {});
  // `call.if_rev` is not for transactions (use Transaction::require); `call.note` replaces the transaction's.
  Future<WriteOutcome> commit(Transaction transaction, WriteCall call = {});

  // One new transaction that restores the values at revision `to` (>= 1): of one key, or of the namespace
  // when `key` is nullopt. It is not queued: it waits, within its time, until the outbox holds nothing of its
  // key or namespace. That of a namespace is not ordered after writes of its keys that are in flight.
  // `call.if_rev` is not for it.
  Future<WriteOutcome> rollback(std::string_view ns, std::optional<std::string> key, Revision to,
                                WriteCall call = {});

  void put(std::string_view ns, std::string_view key, EncodedValue value, WriteCall call, WriteCallback done);
  void remove(std::string_view ns, std::string_view key, WriteCall call, WriteCallback done);
  void commit(Transaction transaction, WriteCall call, WriteCallback done);

  // Waits until every write called before has its answer; false when the time is over first.
  [[nodiscard]] bool flush(std::chrono::milliseconds at_most);

  // Reads, by the same connection: a read called after a write was answered sees it (I9).
  // `not_found` when the key does not exist.
  Future<Answer<Entry>> get(std::string_view ns, std::string_view key, ReadCall call = {});
  // In the order asked, nullopt for what does not exist; all pages.
  Future<Answer<std::vector<std::optional<Entry>>>> mget(std::string_view ns, std::vector<std::string> keys,
                                                         ReadCall call = {});
  // All pages, in order of namespace and key; the pages may be of different revisions, `rev` is the first
  // one's.
  Future<Answer<std::vector<Entry>>> list(ListCall call);
  // All pages; `under` empty = everything but the broker's own.
  Future<Answer<std::vector<NamespaceRow>>> namespaces(std::string_view under = {}, ReadCall call = {});
  // One page each; `more` and `after` in the reply say whether and how it goes on.
  Future<Answer<ChangesReply>> changes(ChangesCall call);
  Future<Answer<SnapshotReply>> snapshot(SnapshotCall call);
  Future<Answer<HistoryReply>> history(HistoryCall call);
  Future<Answer<DiffReply>> diff(DiffCall call);
  Future<Answer<SubscribersReply>> subscribers(SubscribersCall call);
  // Waits until all who follow `ns` now have applied `seq` or refused it, or `count` of them have applied it,
  // or `at_most` (60 s at most, else `too_large`) is over: the reply tells each instance's part. Nobody
  // follows: at once, and empty. Call it with the seq a write was answered with.
  Future<Answer<WaitAppliedReply>> wait_applied(std::string_view ns, Seq seq,
                                                std::chrono::milliseconds at_most,
                                                std::optional<std::uint64_t> count = {}, ReadCall call = {});
  // Lets the broker write all it holds to one file of that name in its backup folder; answered when it is
  // synced.
  Future<Answer<BackupReply>> backup(std::string_view name, ReadCall call = {});
  // Needs admin. `more` may come with no record: the broker looked at a part that holds none.
  Future<Answer<AuditReply>> audit(AuditCall call);
  // The whole reply as MessagePack: a map of figures the broker documents.
  Future<Answer<std::string>> status(ReadCall call = {});
  // Who answers: waits for a broker up to the timeout.
  Future<Answer<HelloReply>> hello(ReadCall call = {});

  // The outbox: what waits in it, and what became of the rest until that is acknowledged. unsupported: there
  // is none. Acknowledging is durable when it is answered; ids without an outcome are ignored.
  Future<OutboxListing> outbox();
  Future<void> acknowledge(std::vector<std::uint64_t> ids);

  struct Counters {
    std::uint64_t writes = 0, answered = 0, repeated = 0, moves = 0, callback_exceptions = 0;
    std::uint64_t coalesced = 0;  // puts that were sent in one transaction with others
    bool connected = false;
    // Why the brokers refuse `hello` (its token is bad, expired or revoked, most often); nullopt: they do
    // not. They are tried again, with the token of then.
    std::optional<ErrorCode> refused;
  };
  [[nodiscard]] Counters counters() const;  // any thread; momentary

  // With an outbox, writes that are still open go into it first; with a coalesce_window, what was held back
  // is sent and has a quarter of a second to be answered, if a broker is there. Then: Answers everything that
  // is still open (`unavailable` if it surely was not done, else `timeout`), and waits for the background
  // thread: under a second, whatever the broker does. Call flush() first to lose nothing. Calls after it are
  // answered `unavailable`.
  void stop();

 private:
  class Impl;
  explicit Publisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus

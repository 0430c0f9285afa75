// The outbox's part of the publisher's background thread: takes writes while no broker answers, and applies
// them in the order they were taken, one after another, when one does; meanwhile it takes those whose keys it
// holds. Owned and stepped by PublisherAgent;
// blocks for the disk when it stores something. Each write is a DrainCase.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/transport/client_connection.hpp"
#include "publisher/outbox/drain_case.hpp"
#include "publisher/outbox/known_revisions.hpp"
#include "publisher/outbox/outbox_store.hpp"

namespace prismbus {

class OutboxAgent {
 public:
  // Tag of its requests at the connection: no slot of the publisher.
  static constexpr std::uint64_t kTag = ~std::uint64_t{0};

  // Errors: those of OutboxStore::open, invalid_argument for limits out of range. `faults`: of tests.
  [[nodiscard]] static Result<std::unique_ptr<OutboxAgent>> make(const OutboxOptions& options, LogSink log,
                                                                 lmdb::DiskFaults* faults = nullptr);

  // Whether every write goes into the outbox now: no broker answers for a while.
  [[nodiscard]] bool takes(Now now) const;
  // Whether a write of these keys goes into it in any case, behind others that name one of them.
  [[nodiscard]] bool holds(const std::vector<std::uint64_t>& order_keys) const;
  // Fills in what the writes were made from (of a transaction's keys as many as it may have requirements),
  // and stores them: all or none. Sets their ids. Errors: those of OutboxStore::append.
  [[nodiscard]] Result<void> queue(std::vector<OutboxRecord>& records);
  [[nodiscard]] KnownRevisions& known() { return known_; }

  void on_greeting(Epoch epoch);
  void on_lost(Now now);
  // At the end. Blocks for the disk.
  void close(Now now) { forget_acknowledged(now); }
  // Sends what is due, settles what is decided.
  void step(ClientConnection& connection, Now now);
  void on_reply(const ReplyHeader& reply, Now now);
  void on_expired(Now now);
  // When step() or takes() have to be looked at again, should `connection` hear nothing meanwhile.
  [[nodiscard]] Steady next_deadline(const ClientConnection& connection, Now now) const;

  [[nodiscard]] Result<OutboxListing> list() { return store_->list(); }
  [[nodiscard]] Result<void> acknowledge(const std::vector<std::uint64_t>& ids) {
    return store_->acknowledge(ids);
  }
  [[nodiscard]] std::size_t pending() const { return store_->pending(); }

 private:
  OutboxAgent(const OutboxOptions& options, LogSink log) : options_(options), log_(std::move(log)) {}
  [[nodiscard]] bool can_ask(const ClientConnection& connection) const;
  void drain(ClientConnection& connection, Now now);
  [[nodiscard]] bool offer(Now now);
  void forget_acknowledged(Now now);
  [[nodiscard]] bool load(Now now);
  [[nodiscard]] bool next_case(Now now);
  [[nodiscard]] bool settle(const OutboxOutcome& outcome, const std::vector<OutboxStore::Own>& own, Now now);
  void tell(const OutboxOutcome& outcome);
  void hold(Now now, std::string_view why);

  const OutboxOptions options_;
  LogSink log_;
  std::unique_ptr<OutboxStore> store_;
  KnownRevisions known_;
  std::deque<OutboxRecord> loaded_;
  std::uint64_t last_loaded_ = 0;
  std::optional<DrainCase> case_;
  bool asked_ = false;   // a request of the case is in flight
  bool rejoin_ = false;  // the broker has another history than it greeted with
  bool begun_ = false;   // the case knows the present history
  bool connected_ = false;
  Steady lost_at_{}, retry_at_{};
  std::uint64_t held_ = 0;
  bool offered_ = false;  // outcomes of an earlier process were told again
  std::uint64_t last_offered_ = 0;
  std::vector<std::uint64_t> acknowledged_;  // not yet forgotten on disk
};

}  // namespace prismbus

// One DrainCase with its options, answered by the test.
#pragma once

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <map>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/value.hpp"
#include "publisher/outbox/drain_case.hpp"

namespace prismbus::drain_by_hand {

using namespace std::chrono_literals;

using Kind = OutboxOutcome::Kind;
using Want = DrainCase::Want;
using Next = DrainCase::Next;
using Flat = std::map<std::string, int>;

inline const Wall kQueued = from_micros(1'700'000'000'000'000);
inline const RequestId kReq{"session1", 5};

inline OutboxRecord put_of(std::string value, std::optional<Revision> base = {}) {
  OutboxRecord record;
  record.id = 3;
  record.queued_at = kQueued;
  record.epoch = Epoch(7);
  record.steps.push_back({ChangeOp::put, "a.b", "k", std::move(value), base});
  return record;
}

inline OutboxRecord attempted(OutboxRecord record, Wall first, Epoch epoch = Epoch(7)) {
  record.attempts.push_back({kReq, epoch, first, false});
  return record;
}

// One case with its options, answered by hand.
struct Drain {
  OutboxOptions options;
  std::optional<DrainCase> made;
  std::string payload;
  std::uint64_t n = 100;

  DrainCase& start(OutboxRecord record, Wall now = kQueued + 1min, Epoch epoch = Epoch(7),
                   std::optional<OutboxStore::Own> own = {}) {
    std::vector<std::optional<OutboxStore::Own>> rows(record.steps.size());
    rows[0] = std::move(own);
    made.emplace(std::move(record), std::move(rows), options);
    made->begin(epoch, now);
    return *made;
  }
  // Stores the id it wants, as its owner does.
  void store_attempt() {
    REQUIRE(made->want() == Want::attempt);
    auto attempt = made->next_attempt(kQueued);
    attempt.req = {"session2", ++n};
    made->record().attempts.push_back(attempt);
    made->attempted();
    REQUIRE(made->want() == Want::ask);
  }
  Next give(std::string bytes) {
    payload = std::move(bytes);
    return made->answer(codec::decode_reply(payload).value());
  }
  Next applied(std::uint64_t rev, bool duplicate = false) {
    return give(codec::encode_put_reply({{}, Epoch(7), Revision(rev)}, {Seq(1), 1, duplicate}));
  }
  Next refused(ErrorCode code, std::optional<std::string> field = {}) {
    Error error = error_of(code, "no");
    error.field = std::move(field);
    return give(codec::encode_error_reply({{}, Epoch(7), Revision(20)}, error));
  }
  Next entry(const std::string& value, std::uint64_t rev, Wall time = kQueued - 1h) {
    return give(
        codec::encode_entry_reply({{}, Epoch(7), Revision(20)},
                                  EntryView{"a.b", "k", value, Revision(rev), Revision(1), 2, time, "x"}));
  }
  Next history(const std::vector<KeyVersionView>& versions, bool more = false) {
    std::string bytes = codec::begin_reply({{}, Epoch(7), Revision(20)}, more ? 3 : 2);
    codec::Writer out(bytes);
    out.name("versions");
    out.array(static_cast<std::uint32_t>(versions.size()));
    for (const auto& version : versions) codec::encode_key_version(out, version);
    out.field("more", more);
    if (more) out.name("after"), out.bin("c");
    return give(std::move(bytes));
  }
  [[nodiscard]] const PutRequest& put() {
    REQUIRE(made->want() == Want::ask);
    request = made->request();
    REQUIRE(std::holds_alternative<PutRequest>(request));
    return std::get<PutRequest>(request);
  }
  template <class T>
  [[nodiscard]] bool asks() {
    return made->want() == Want::ask && std::holds_alternative<T>(made->request());
  }
  [[nodiscard]] const OutboxOutcome& outcome() {
    REQUIRE(made->want() == Want::settled);
    return made->outcome();
  }
  RequestBody request;
};

inline const std::string kOne = encode_value(1), kTwo = encode_value(2);

inline KeyVersionView version(std::uint64_t rev, std::uint64_t v, Wall time, const RequestId* req = nullptr) {
  return {Revision(rev), ChangeOp::put, kOne, v, time, "x", std::nullopt, req};
}

}  // namespace prismbus::drain_by_hand

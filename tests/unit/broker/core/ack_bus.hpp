// A whole broker with many connections and the test's clock: for tests of what followers say and who waits
// for it.
#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/ack_desk.hpp"
#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/request.hpp"
#include "tests/model/fake_broker.hpp"
#include "tests/unit/broker/core/hall.hpp"

namespace prismbus::testing {

using model::FakeBroker;
using model::FakeDisk;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Replies are kept by their id.
struct AckBus final : ReplySink, Feed, LiveTap {
  AckBus() {
    settings.live = this;
    settings.dir = scratch.path() + "/data";
    settings.fold.wait_max = milliseconds(0);
    broker.emplace(settings, journal_disk, state_disk, *this, *this);
  }
  void on_applied(const TransactionPtr&) override {}
  void on_rules(const AccessRulesPtr&) override {}
  void on_notice(Notice notice) override { notices.push_back(std::move(notice)); }

  std::uint64_t send(std::uint64_t connection, RequestBody body) {
    const Request request{{false, ++last_id}, {}, {}, std::move(body)};
    broker->pipeline.on_request({ConnectionId(connection), "peer", {}}, codec::encode_request(request), now);
    step();
    return last_id;
  }
  std::uint64_t hello(std::uint64_t connection, std::string_view instance, std::vector<std::string_view> ns,
                      std::vector<std::string_view> under = {}) {
    HelloRequest hello{"pricing", "1", instance, {{"zone", "b"}}, std::move(ns), std::move(under)};
    return send(connection, hello);
  }
  std::uint64_t ack(std::uint64_t connection, std::vector<std::pair<std::string_view, Seq>> applied,
                    std::vector<AckRequest::Rejection> rejected = {}) {
    return send(connection, AckRequest{std::move(applied), std::move(rejected), {}, "live"});
  }
  void put(std::string_view ns) {
    send(99, PutRequest{ns, "k", "\xc0", {}, {}});
    broker->pipeline.flush(now);
    broker->journal.step(now);
    step();
  }
  void step() { broker->pipeline.step(now); }
  void pass(milliseconds time) {
    now.steady += time;
    now.wall += time;
    step();
  }
  [[nodiscard]] bool answered(std::uint64_t id) const { return answers.contains(id); }
  ReplyHeader header(std::uint64_t id) {
    REQUIRE(answered(id));
    return codec::decode_reply(answers.at(id)).value();
  }
  ErrorCode refusal(std::uint64_t id) {
    const auto reply = header(id);
    REQUIRE(reply.error);
    return reply.error->code;
  }
  std::vector<std::string> behind(std::uint64_t id) {
    std::vector<std::string> names;
    const AckReply reply = codec::decode_ack_reply(header(id)).value();
    for (const auto& [ns, head] : reply.behind) names.push_back(ns + "@" + std::to_string(head.seq.value()));
    return names;
  }
  WaitAppliedReply waited(std::uint64_t id) { return codec::decode_wait_applied_reply(header(id)).value(); }
  SubscribersReply rows(SubscribersRequest request = {}) {
    return codec::decode_subscribers_reply(header(send(98, request))).value();
  }
  void reply(const ReplyTo&, std::string payload) override {
    const auto id = codec::decode_reply(payload).value().id.bits;
    REQUIRE(answers.emplace(id, std::move(payload)).second);
  }
  std::string origin_of(ConnectionId id) override { return "10.0.0." + std::to_string(id.value()); }
  void publish(Lane, std::string) override {}

  Scratch scratch;
  model::FakeBrokerSettings settings;
  FakeDisk journal_disk, state_disk;
  std::optional<FakeBroker> broker;
  std::vector<Notice> notices;
  Now now{Steady(std::chrono::hours(1)), Wall(std::chrono::hours(500'000))};
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, std::string> answers;
};

using Names = std::vector<std::string>;

}  // namespace prismbus::testing

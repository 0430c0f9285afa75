// What the publisher puts into its outbox, and what it sends beside it, against a ROUTER in the test.
#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/publisher/outbox_folder.hpp"
#include "tests/unit/publisher/publisher_at_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Received = FakeRequestDoor::Received;

// Until the door says `hello`, no broker answers: writes are queued.
struct Scene {
  OutboxFolder folder;
  PublisherAtDoor at{[&](PublisherOptions& options) {
    options.outbox.directory = folder.box();
    options.outbox.after = 0ms;
  }};

  void queue(const std::string& key, int value) {
    const auto outcome = at.publisher->put("a.b", key, value).get();
    REQUIRE(outcome);
    REQUIRE(outcome->queued);
  }
};

const PutRequest* put_of(const Received& received, std::string_view key) {
  const auto* put = std::get_if<PutRequest>(&received.request.body);
  return put != nullptr && put->key == key ? put : nullptr;
}

// To be answered later.
Received kept(const Received& received) {
  Received out{received.peer, {}, {}};
  out.request.id = received.request.id;
  return out;
}

}  // namespace

TEST_CASE("a write never passes an earlier one of its key that waits in the outbox") {
  Scene s;
  s.queue("k", 0);
  Publisher::Future<WriteOutcome> first, second;
  std::atomic<bool> called{false};
  // A callback runs on the background thread: it takes both calls together.
  s.at.publisher->put("a.b", "z", EncodedValue::of(0), {}, [&](const Result<WriteOutcome>&) {
    first = s.at.publisher->put("a.b", "k", 1);
    second = s.at.publisher->put("a.b", "k", 2);
    called = true;
  });
  std::vector<std::string> order;
  std::optional<Received> open;
  const auto answered = [&] { return called && ready(first) && ready(second); };
  REQUIRE(s.at.serve(
      [&](const Received& r) {
        const auto* put = put_of(r, "k");
        if (put == nullptr) return s.at.door.reply_put(r, 1, 1);
        if (order.empty() || order.back() != put->value) order.emplace_back(put->value);
        if (put->value == encode_value(0) && !answered()) {
          open = kept(r);
        } else {
          s.at.door.reply_put(r, 1, 1);
        }
      },
      [&] {
        if (open && answered()) s.at.door.reply_put(*open, 1, 1), open.reset();
        return order.size() >= 3;
      }));
  CHECK(order == std::vector{encode_value(0), encode_value(1), encode_value(2)});
  CHECK(first.get()->queued);
  CHECK(second.get()->queued);
}

TEST_CASE("while the outbox empties, writes of other keys go to the broker beside it") {
  Scene s;
  s.queue("k", 0);
  std::optional<Received> open;
  auto other = s.at.publisher->put("a.b", "other", 1);
  const auto serve = [&](auto& future) {
    REQUIRE(s.at.serve(
        [&](const Received& r) {
          if (put_of(r, "k") != nullptr && !open) {
            open = kept(r);
          } else if (put_of(r, "k") == nullptr) {
            s.at.door.reply_put(r, 1, 1);
          }
        },
        [&] { return open && ready(future); }));
  };
  serve(other);
  auto direct = s.at.publisher->put("a.b", "later", 1);
  serve(direct);
  CHECK_FALSE(direct.get()->queued);
  Transaction both;
  both.put("a.b", "k", 1).put("a.b", "joined", 1);
  auto joining = s.at.publisher->commit(std::move(both));
  auto behind = s.at.publisher->put("a.b", "joined", 2);
  serve(behind);
  CHECK(joining.get()->queued);
  CHECK(behind.get()->queued);
}

TEST_CASE("a burst of one key is queued together while no broker answers") {
  Scene s;
  WriteCall call;
  call.timeout = 3s;
  std::vector<Publisher::Future<WriteOutcome>> futures;
  for (int i = 0; i < 400; ++i) futures.push_back(s.at.publisher->put("a.b", "k", i, call));
  Transaction both;
  both.put("a.b", "k", 400).put("a.b", "other", 400);
  futures.push_back(s.at.publisher->commit(std::move(both), call));
  futures.push_back(s.at.publisher->put("a.b", "other", 401, call));
  std::uint64_t last = 0;
  for (auto& future : futures) {
    const auto outcome = future.get();
    INFO((outcome ? "" : outcome.error().message));
    REQUIRE(outcome);
    REQUIRE(outcome->queued);
    CHECK(*outcome->queued > last);
    last = *outcome->queued;
  }
  const auto pending = s.at.publisher->outbox().get()->pending;
  REQUIRE(pending.size() == 402);
  for (std::size_t i = 0; i < 402; ++i) {
    CHECK(pending[i].changes.at(0).value == encode_value(static_cast<int>(i)));
  }
}

TEST_CASE("a rollback, which cannot be queued, waits for what the outbox holds of its key") {
  Scene s;
  s.queue("k", 0);
  auto rollback = s.at.publisher->rollback("a.b", "k", Revision(1));
  std::vector<std::string> seen;
  std::optional<Received> open;
  Publisher::Future<Answer<Entry>> read;
  REQUIRE(s.at.serve(
      [&](const Received& r) {
        if (put_of(r, "k") != nullptr) {
          if (!open) seen.emplace_back("put"), read = s.at.publisher->get("a.b", "x");
          open = kept(r);
        } else if (std::holds_alternative<GetRequest>(r.request.body)) {
          seen.emplace_back("get");
          s.at.door.reply_error(r, ErrorCode::not_found);
          // Reads leave before writes: what could leave with the first is here before the second.
          if (seen.size() == 2) read = s.at.publisher->get("a.b", "x");
          if (seen.size() == 3) s.at.door.reply_put(*open, 1, 1);
        } else {
          seen.emplace_back("rollback");
          s.at.door.reply_error(r, ErrorCode::not_found);
        }
      },
      [&] { return ready(rollback); }));
  CHECK(seen == std::vector<std::string>{"put", "get", "get", "rollback"});
}

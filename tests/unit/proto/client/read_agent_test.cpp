// Reads of a broker on demand, against a ROUTER in the same thread: pages, histories, limits, the end.
#include "proto/client/read_agent.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <functional>

#include "proto/client/reads.hpp"
#include "tests/unit/proto/transport/entry_pages.hpp"
#include "tests/unit/proto/transport/fake_request_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Received = FakeRequestDoor::Received;
constexpr std::size_t kOpenMax = 4;

struct Desk {
  Context context;
  FakeRequestDoor door{context};
  std::unique_ptr<ReadAgent> agent;
  Now now = read_clock();

  Desk() {
    ConnectionOptions options;
    options.brokers = {door.endpoint()};
    auto made = ReadAgent::make(context, std::move(options), kOpenMax, {});
    REQUIRE(made);
    agent = std::move(*made);
  }

  template <class T>
  ReadFuture<T> ask(Asked<T> asked, std::chrono::milliseconds timeout = 10s) {
    REQUIRE(agent->offer(asked.read, now.steady + timeout));
    return std::move(asked.answer);
  }

  // Steps both sides at the moment `now` until `done`; false after ten seconds.
  template <class Done>
  bool run(const std::function<void(const Received&)>& serve, Done done) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < end) {
      agent->step(now);
      while (const auto received = door.receive()) {
        std::holds_alternative<HelloRequest>(received->request.body) ? door.reply_hello(*received)
                                                                     : serve(*received);
      }
      if (done()) return true;
      std::array<zmq_pollitem_t, 1> items{{{door.pollable(), 0, ZMQ_POLLIN, 0}}};
      poll_sockets(items, 1ms);
    }
    return false;
  }

  [[nodiscard]] codec::ReplyHead head(const Received& to, std::optional<Revision> at = {}) const {
    return {to.request.id, door.epoch, door.rev, at};
  }
};

template <class F>
auto is_ready(F& future) {
  return [&future] { return future.wait_for(0s) == std::future_status::ready; };
}

const auto kSilence = [](const Received&) {};

}  // namespace

TEST_CASE("a get is answered with its entry, and of the past with the revision that was shown") {
  Desk desk;
  ReadCall call;
  call.at_time = from_micros(77);
  auto answer = desk.ask(ask_get("a.b", "k", call));
  REQUIRE(desk.run(
      [&](const Received& r) {
        const auto& get = std::get<GetRequest>(r.request.body);
        CHECK(get.ns == "a.b");
        CHECK(get.read.at_time == 77);
        desk.door.reply(r, codec::encode_entry_reply(desk.head(r, Revision(3)),
                                                     entry_of("a.b", "k", "\x01", Revision(2))));
      },
      is_ready(answer)));
  const auto got = answer.get();
  REQUIRE(got);
  CHECK(got->value.value == "\x01");
  CHECK(got->value.rev == Revision(2));
  CHECK(got->value.version == 1);
  CHECK(got->at == Revision(3));
  CHECK(got->epoch == desk.door.epoch);
  CHECK(desk.agent->open() == 0);
}

TEST_CASE("pages are followed with cursor and history, and what is absent keeps its place") {
  Desk desk;
  auto answer = desk.ask(ask_mget("a", {"x", "y", "z"}, {}));
  int asked = 0;
  REQUIRE(desk.run(
      [&](const Received& r) {
        const auto& mget = std::get<MGetRequest>(r.request.body);
        CHECK(mget.keys.size() == 3);
        CHECK(r.request.epoch.has_value() == (asked == 1));
        CHECK(mget.page.after.has_value() == (asked == 1));
        const bool first = asked++ == 0;
        desk.door.reply(
            r, entries_reply(
                   desk.head(r),
                   first ? std::vector<std::optional<EntryView>>{entry_of("a", "x", "\x01", Revision(1)),
                                                                 std::nullopt}
                         : std::vector<std::optional<EntryView>>{entry_of("a", "z", "\x03", Revision(1))},
                   first ? std::optional<std::string_view>("cursor") : std::nullopt));
      },
      is_ready(answer)));
  const auto got = answer.get();
  REQUIRE(got);
  REQUIRE(got->value.size() == 3);
  CHECK(got->value[0]->key == "x");
  CHECK_FALSE(got->value[1]);
  CHECK(got->value[2]->key == "z");
}

TEST_CASE("a history that changes between two pages is told, never mixed (I6)") {
  Desk desk;
  ListCall call;
  call.ns = "a";
  auto answer = desk.ask(ask_list(call));
  REQUIRE(desk.run(
      [&](const Received& r) {
        if (std::get<ListRequest>(r.request.body).page.after) {
          desk.door.epoch = Epoch(8);
          return desk.door.reply_error(r, ErrorCode::other_history);
        }
        desk.door.reply(r, entries_reply(desk.head(r), {entry_of("a", "x", "\x01", Revision(1))}, "cursor"));
      },
      is_ready(answer)));
  CHECK(answer.get().error().code == ErrorCode::other_history);

  ReadCall of_former;
  of_former.epoch = Epoch(9);
  auto former = desk.ask(ask_get("a", "x", of_former));
  REQUIRE(desk.run([&](const Received&) { FAIL("nothing to ask a broker of another history"); },
                   is_ready(former)));
  CHECK(former.get().error().code == ErrorCode::other_history);
}

TEST_CASE("open_max reads may be open: one more is refused untouched, an answer makes room (I8)") {
  Desk desk;
  std::vector<ReadFuture<Entry>> answers;
  for (std::size_t i = 0; i < kOpenMax; ++i) answers.push_back(desk.ask(ask_get("a", "k", {})));
  auto more = ask_get("a", "k", {});
  CHECK_FALSE(desk.agent->offer(more.read, desk.now.steady + 10s));
  REQUIRE(more.read != nullptr);
  REQUIRE(desk.run([&](const Received& r) { desk.door.reply_error(r, ErrorCode::not_found); },
                   is_ready(answers.back())));
  for (auto& answer : answers) CHECK(answer.get().error().code == ErrorCode::not_found);
  CHECK(desk.agent->open() == 0);
  CHECK(desk.agent->offer(more.read, desk.now.steady + 10s));
}

TEST_CASE("never asked in time is unavailable, asked and not answered is a timeout") {
  Desk desk;
  auto answer = desk.ask(ask_get("a", "k", {}), 500ms);
  bool asked = false;
  REQUIRE(desk.run([&](const Received&) { asked = true; }, [&] { return asked; }));
  desk.now.steady += 600ms;
  REQUIRE(desk.run(kSilence, is_ready(answer)));
  CHECK(answer.get().error().code == ErrorCode::timeout);

  Desk nobody;
  nobody.door.close();
  auto unasked = nobody.ask(ask_get("a", "k", {}), 500ms);
  nobody.agent->step(nobody.now);
  nobody.now.steady += 600ms;
  nobody.agent->step(nobody.now);
  REQUIRE(is_ready(unasked)());
  CHECK(unasked.get().error().code == ErrorCode::unavailable);
}

TEST_CASE("closing answers what is open, queued, and whatever comes later") {
  Desk desk;
  auto in_flight = desk.ask(ask_get("a", "k", {}));
  bool asked = false;
  REQUIRE(desk.run([&](const Received&) { asked = true; }, [&] { return asked; }));
  auto queued = desk.ask(ask_get("a", "k", {}));
  desk.agent->close();
  auto late = desk.ask(ask_get("a", "k", {}));
  for (auto* answer : {&in_flight, &queued, &late}) {
    REQUIRE(is_ready(*answer)());
    CHECK(answer->get().error().code == ErrorCode::unavailable);
  }
  CHECK(desk.agent->open() == 0);
}

TEST_CASE("a reply that is not understood is an error, not a value") {
  Desk desk;
  auto answer = desk.ask(ask_get("a", "k", {}));
  REQUIRE(desk.run([&](const Received& r) { desk.door.reply_put(r, 1, 1); }, is_ready(answer)));
  CHECK_FALSE(answer.get());
}

TEST_CASE("reads tell the present revisions they saw, and nothing of the past") {
  std::vector<std::pair<std::string, Revision>> seen;
  const auto note = [&](std::string_view ns, std::string_view key, Revision rev) {
    seen.emplace_back(std::string(ns) + " " + std::string(key), rev);
  };
  const std::string payload = entries_reply(
      {{}, Epoch(7), Revision(9)},
      {entry_of("a", "x", "\x01", Revision(4)), std::nullopt, entry_of("a", "z", "\x02", Revision(5))},
      std::nullopt);
  const auto reply = codec::decode_reply(payload);
  REQUIRE(reply);
  ask_mget("a", {"x", "y", "z"}, {}).read->tell_revisions(*reply, note);
  CHECK(seen == decltype(seen){{"a x", Revision(4)}, {"a z", Revision(5)}});
  ListCall past;
  past.ns = "a";
  past.read.at = Revision(5);
  seen.clear();
  ask_list(past).read->tell_revisions(*reply, note);
  CHECK(seen.empty());
}

TEST_CASE("limits of the agent are refused with their name") {
  Context context;
  ConnectionOptions options;
  CHECK(ReadAgent::make(context, options, 0, {}).error().field == "open_max");
  options.brokers = {};
  CHECK(ReadAgent::make(context, options, 1, {}).error().field == "brokers");
}

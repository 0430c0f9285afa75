// Who asks: tokens verified elsewhere, bound by `hello`, void when they end, are revoked or lose their key;
// under a clock and threads stepped by hand.
#include "broker/security/token_desk.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

#include "proto/token/token_signer.hpp"
#include "proto/token/token_text.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

struct Door final : ReplySink {
  void reply(const ReplyTo&, std::string) override {}
  std::string origin_of(ConnectionId) override { return "10.0.0.1"; }
};

struct Desk {
  Desk() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-desk-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    keys_file = folder + "/tokens.jwks";
    add_key("one");
    agent.emplace(keys_file, TokenVerifier(keys, {}), to_verify, from_verify, news, LogSink());
    (void)agent->step(now);
  }
  ~Desk() { std::filesystem::remove_all(folder); }

  void add_key(const std::string& kid) {
    REQUIRE(keys.add_first(*TokenKey::generate(TokenAlgorithm::es256, kid)));
    REQUIRE(keys.save(keys_file));
  }
  std::string token(std::string principal, std::chrono::seconds life = 1h) {
    TokenClaims claims;
    claims.principal = std::move(principal);
    claims.read = {*Pattern::parse("a.**")};
    claims.issued = std::chrono::floor<std::chrono::seconds>(now.wall);
    claims.expires = *claims.issued + life;
    return *sign_token(claims, *keys.all().front());
  }
  // As the pipeline does: what comes back later is asked again. The principal's name, or the error's code.
  std::string ask(std::uint64_t connection, RequestBody body, const std::string& token = {}) {
    Request request;
    request.body = std::move(body);
    if (!token.empty()) request.token = token;
    const std::string payload = codec::encode_request(request);
    const ReplyTo from{ConnectionId(connection), "peer", {}};
    std::string said = told(desk.authenticate(from, payload, request, now));
    if (said != "later") return said;
    (void)agent->step(now);
    const auto taken = desk.take_verified([&](const ReplyTo& to, std::string_view again) {
      const auto decoded = codec::decode_request(again);
      REQUIRE(decoded.has_value());
      said = told(desk.authenticate(to, again, *decoded, now));
    });
    CHECK(taken > 0);
    return said;
  }
  std::string get(std::uint64_t connection, const std::string& token = {}) {
    return ask(connection, GetRequest{"a", "k", {}}, token);
  }
  std::string hello(std::uint64_t connection, const std::string& token = {}) {
    return ask(connection, HelloRequest{}, token);
  }
  void pass(std::chrono::seconds by) {
    now.steady += by;
    now.wall += by;
  }
  static std::string told(const Authoriser::Answer& answer) {
    if (std::holds_alternative<Authoriser::Later>(answer)) return "later";
    if (const auto* error = std::get_if<Error>(&answer)) return std::string(error_row(error->code).name);
    return std::get<const Principal*>(answer)->name;
  }

  std::string folder, keys_file;
  TokenKeys keys;
  Now now{Steady(1h), Wall(std::chrono::seconds(1'790'000'000))};
  BoundedQueue<TokenJob> to_verify{8, nullptr};
  BoundedQueue<TokenDone> from_verify{8, nullptr};
  BoundedQueue<AuditEntry> news{8, nullptr};
  Door door;
  std::vector<ConnectionId> dropped;
  TokenDesk desk{to_verify, from_verify, door, [this](ConnectionId c) { dropped.push_back(c); }};
  std::optional<TokenAgent> agent;
};

}  // namespace

TEST_CASE("hello binds a token to its connection, and to no other (I10)") {
  Desk desk;
  const std::string token = desk.token("alice");
  CHECK(desk.get(1) == "unauthenticated");
  CHECK(desk.hello(1, token) == "alice");
  CHECK(desk.get(1) == "alice");
  CHECK(desk.get(2) == "unauthenticated");
  CHECK(desk.hello(2) == "anonymous");
  CHECK(desk.get(2) == "unauthenticated");
  CHECK(desk.get(2, token) == "alice");  // for that request only
  CHECK(desk.get(2) == "unauthenticated");
  CHECK(desk.hello(1) == "anonymous");
  CHECK(desk.get(1) == "unauthenticated");
  CHECK(desk.hello(1, token) == "alice");
  desk.desk.on_gone(ConnectionId(1));
  CHECK(desk.get(1) == "unauthenticated");
}

TEST_CASE("an expired token ends on the live connection, a minute late at most") {
  Desk desk;
  CHECK(desk.hello(1, desk.token("alice", 100s)) == "alice");
  desk.pass(159s);
  CHECK(desk.get(1) == "alice");
  desk.pass(1s);
  CHECK(desk.get(1) == "unauthenticated");
  CHECK(desk.hello(1, desk.token("alice")) == "alice");
  CHECK(desk.get(1) == "alice");
}

TEST_CASE("a token that is too early counts once its time has come") {
  Desk desk;
  TokenClaims claims;
  claims.principal = "alice";
  claims.not_before = std::chrono::floor<std::chrono::seconds>(desk.now.wall) + 100s;
  claims.expires = *claims.not_before + 1h;
  const std::string token = *sign_token(claims, *desk.keys.all().front());
  CHECK(desk.hello(1, token) == "unauthenticated");
  desk.pass(120s);
  CHECK(desk.hello(1, token) == "alice");
}

TEST_CASE("a revocation counts from the next request on, and not for others") {
  Desk desk;
  const std::string token = desk.token("alice"), other = desk.token("bob");
  CHECK(desk.hello(1, token) == "alice");
  CHECK(desk.hello(2, other) == "bob");
  Revocations revoked;
  revoked.set("sub/alice", {desk.now.wall});
  AccessRules rules;
  rules.revoked = std::make_shared<const Revocations>(revoked);
  desk.desk.on_rules(std::make_shared<const AccessRules>(rules));
  CHECK(desk.get(1) == "unauthenticated");
  CHECK(desk.get(2) == "bob");
  CHECK(desk.hello(3, token) == "unauthenticated");
  desk.pass(2s);
  CHECK(desk.hello(3, desk.token("alice")) == "alice");
}

TEST_CASE("a policy that changes is in force for who was bound before") {
  Desk desk;
  CHECK(desk.hello(1, desk.token("alice")) == "alice");
  const auto may_read = [&] {
    Request request;
    request.body = GetRequest{"b", "k", {}};
    const auto answer = desk.desk.authenticate({ConnectionId(1), "", {}}, "", request, desk.now);
    return std::get<const Principal*>(answer)->may_read("b");
  };
  CHECK_FALSE(may_read());
  Policy policy;
  PolicyRule rule;
  RightSet read;
  read.add(Right::read);
  rule.roles = {{"alice", read}};
  policy.set("b", rule);
  AccessRules rules;
  rules.policy = std::make_shared<const Policy>(policy);
  desk.desk.on_rules(std::make_shared<const AccessRules>(rules));
  CHECK(may_read());
}

TEST_CASE("keys that change: tokens are verified anew, those of a key that went are void") {
  Desk desk;
  const std::string first = desk.token("alice");
  CHECK(desk.hello(1, first) == "alice");
  desk.add_key("two");
  desk.pass(2s);
  CHECK(desk.get(1) == "alice");
  const std::string second = desk.token("bob");
  (void)desk.agent->step(desk.now);
  CHECK(desk.hello(2, second) == "bob");
  REQUIRE(desk.keys.retire("one"));
  REQUIRE(desk.keys.save(desk.keys_file));
  desk.pass(2s);
  (void)desk.agent->step(desk.now);
  (void)desk.desk.take_verified([](const ReplyTo&, std::string_view) {});
  CHECK(desk.get(1) == "unauthenticated");
  CHECK(desk.get(2) == "bob");
}

TEST_CASE("bad tokens: verified once each, and who shows many is cut") {
  Desk desk;
  for (std::uint32_t n = 0; n < FailureLimits::kOfConnection; ++n) {
    CHECK(desk.dropped.empty());
    CHECK(desk.hello(1, "bad.token." + std::to_string(n)) == "unauthenticated");
  }
  CHECK(desk.dropped == std::vector{ConnectionId(1)});
  CHECK(desk.desk.token_failures().by_fault[static_cast<std::size_t>(TokenFault::malformed)] ==
        FailureLimits::kOfConnection);
  CHECK(desk.hello(2, desk.token("alice")) == "alice");
}

TEST_CASE("more requests with unknown tokens than may wait are overloaded, and nothing is lost (I8)") {
  Desk desk;
  Request request;
  request.body = HelloRequest{};
  std::size_t later = 0;
  std::vector<std::string> tokens;
  for (int n = 0; n < 20; ++n) tokens.push_back(desk.token("user" + std::to_string(n)));
  for (int n = 0; n < 20; ++n) {
    request.token = tokens[static_cast<std::size_t>(n)];
    const auto said = Desk::told(
        desk.desk.authenticate({ConnectionId(7), "", {}}, codec::encode_request(request), request, desk.now));
    CHECK((said == "later" || said == "overloaded"));
    later += said == "later" ? 1 : 0;
  }
  CHECK(later == 8);
  (void)desk.agent->step(desk.now);
  CHECK(desk.desk.take_verified([](const ReplyTo&, std::string_view) {}) == 8);
}

TEST_CASE("refused tokens are counted by why, whether they were shown or had been bound") {
  Desk desk;
  const auto count = [&](TokenFault fault) {
    return desk.desk.token_failures().by_fault[static_cast<std::size_t>(fault)];
  };
  const std::string token = desk.token("alice", 60s);
  CHECK(desk.hello(1, token) == "alice");
  CHECK(desk.get(2) == "unauthenticated");  // nobody showed any
  for (const auto n : desk.desk.token_failures().by_fault) CHECK(n == 0);
  CHECK(desk.get(2, token.substr(0, token.size() - 8) + "AAAAAAAA") == "unauthenticated");
  CHECK(count(TokenFault::bad_signature) == 1);
  desk.pass(121s);
  CHECK(desk.get(1) == "unauthenticated");
  CHECK(desk.get(2, token) == "unauthenticated");
  CHECK(count(TokenFault::expired) == 2);
  CHECK(count(TokenFault::malformed) == 0);
  for (int i = 0; i < 300; ++i)
    (void)desk.get(100 + static_cast<std::uint64_t>(i), "no.to.ken" + std::to_string(i));
  CHECK(count(TokenFault::malformed) + desk.desk.token_failures().throttled == 300);
  CHECK(desk.desk.token_failures().throttled > 0);
}

TEST_CASE("answers that find no room wait: the bus may stand still while tokens are verified (I8)") {
  Desk desk;
  const std::string token = desk.token("alice");
  BoundedQueue<TokenJob> jobs(4, nullptr);
  BoundedQueue<TokenDone> answers(3, nullptr);
  TokenAgent agent(desk.keys_file, TokenVerifier(desk.keys, {}), jobs, answers, desk.news, LogSink());
  const auto ask = [&](std::uint64_t connection) {
    return jobs.try_push(TokenJob{{ConnectionId(connection), {}, {}}, "payload", token, token_hash(token)});
  };
  for (std::uint64_t i = 1; i <= 4; ++i) REQUIRE(ask(i));
  CHECK(agent.step(desk.now) == 3);
  REQUIRE(ask(5));
  desk.add_key("two");  // is told behind the answer that was verified before it
  desk.pass(2s);
  CHECK(agent.step(desk.now) == 0);
  std::vector<TokenDone> taken;
  answers.drain(taken);
  CHECK(agent.step(desk.now) == 1);
  desk.pass(2s);
  CHECK(agent.step(desk.now) == 1);
  answers.drain(taken);
  REQUIRE(taken.size() == 6);
  for (std::size_t i = 0; i < 4; ++i) CHECK(taken[i].to.connection == ConnectionId(i + 1));
  CHECK(taken[4].keys_changed);
  CHECK(taken[5].to.connection == ConnectionId(5));
  CHECK(taken[5].claims);
}

}  // namespace prismbus

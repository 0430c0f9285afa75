// Rates of requests, with a clock by hand: what is granted, refused, and who is cut.
#include "broker/core/request_rates.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

Now at(std::chrono::milliseconds ms) {
  return {Steady(1h + ms), {}};
}

class FakeDoor final : public ReplySink {
 public:
  void reply(const ReplyTo&, std::string) override {}
  std::string origin_of(ConnectionId connection) override { return origins[connection.value()]; }
  std::map<std::uint64_t, std::string> origins;
};

// The token names the principal.
class Namer final : public Authoriser {
 public:
  Answer authenticate(const ReplyTo&, std::string_view, const Request& request, Now) override {
    principal_ = {std::string(*request.token), Access::everything(), {}, {}, {}};
    return &principal_;
  }
  void on_rules(const AccessRulesPtr&) override {}
  void on_gone(ConnectionId) override {}
  std::size_t take_verified(const std::function<void(const ReplyTo&, std::string_view)>&) override {
    return 0;
  }

 private:
  Principal principal_;
};

struct RatesFixture {
  explicit RatesFixture(RateSettings settings) { rates.set(settings); }
  enum class Got { served, overloaded, cut };
  Got ask(std::uint64_t connection, std::string_view principal, std::chrono::milliseconds when) {
    const Request request{{}, principal, std::nullopt, StatusRequest{}};
    const ReplyTo from{ConnectionId(connection), {}, {}};
    if (!rates.entered(from.connection, at(when))) {
      rates.left();
      return Got::cut;
    }
    const std::size_t cut_before = cut.size();
    const auto answer = rates.authenticate(from, {}, request, at(when));
    rates.left();
    const auto* const error = std::get_if<Error>(&answer);
    if (error == nullptr) return Got::served;
    CHECK(error->code == ErrorCode::overloaded);
    waits = error->retry_after_ms.value_or(0);
    return cut.size() > cut_before ? Got::cut : Got::overloaded;
  }
  FakeDoor door;
  std::vector<ConnectionId> cut;
  RequestRates rates{std::make_unique<Namer>(), door, [this](ConnectionId connection) {
                       cut.push_back(connection);
                       return true;
                     }};
  std::uint64_t waits = 0;
};
using Got = RatesFixture::Got;

}  // namespace

TEST_CASE("without a rate everything is served") {
  RatesFixture f({});
  for (int i = 0; i < 10'000; ++i) REQUIRE(f.ask(1, "p", 0ms) == Got::served);
}

TEST_CASE(
    "an address has a second's worth at once, then its rate, over all its connections; others have theirs") {
  RatesFixture f({.address_requests_per_second = 10});
  f.door.origins = {{1, "10.0.0.1"}, {2, "10.0.0.1"}, {3, "10.0.0.2"}};
  for (int i = 0; i < 10; ++i) CHECK(f.ask(1 + i % 2, "p", 0ms) == Got::served);
  CHECK(f.ask(1, "p", 0ms) == Got::overloaded);
  CHECK(f.waits == 100);
  CHECK(f.ask(3, "p", 0ms) == Got::served);
  CHECK(f.ask(2, "p", 99ms) == Got::overloaded);
  CHECK(f.ask(2, "p", 101ms) == Got::served);
  CHECK(f.ask(2, "p", 102ms) == Got::overloaded);
  CHECK(f.rates.counters().of_address == 3);
  CHECK(f.cut.empty());
}

TEST_CASE("a principal has a rate over all its connections and addresses") {
  RatesFixture f({.principal_requests_per_second = 10});
  f.door.origins = {{1, "10.0.0.1"}, {2, "10.0.0.2"}};
  for (int i = 0; i < 10; ++i) CHECK(f.ask(1 + i % 2, "p", 0ms) == Got::served);
  CHECK(f.ask(1, "p", 0ms) == Got::overloaded);
  CHECK(f.ask(1, "q", 0ms) == Got::served);
  CHECK(f.rates.counters().of_principal == 1);
}

TEST_CASE("who sends at twice the rate is refused for ever, who goes on beyond that is cut") {
  RatesFixture f({.address_requests_per_second = 100});
  f.door.origins = {{1, "10.0.0.1"}, {2, "10.0.0.2"}};
  for (int i = 0; i < 100'000; ++i) REQUIRE(f.ask(1, "p", 10ms * i / 2) != Got::cut);
  int asked = 0;
  while (f.ask(2, "p", 0ms) != Got::cut) ++asked;
  CHECK(asked == 100 + 1000);  // granted, and patience for ten seconds' worth
  CHECK(f.cut == std::vector{ConnectionId(2)});
  CHECK(f.rates.counters().cut == 1);
}

TEST_CASE("a request that comes again from inside is not charged again") {
  RatesFixture f({.address_requests_per_second = 1, .principal_requests_per_second = 1});
  f.door.origins = {{1, "10.0.0.1"}};
  CHECK(f.ask(1, "p", 0ms) == Got::served);
  const Request request{{}, "p", std::nullopt, StatusRequest{}};
  for (int i = 0; i < 10; ++i) {
    const auto answer = f.rates.authenticate({ConnectionId(1), {}, {}}, {}, request, at(0ms));
    CHECK(std::holds_alternative<const Principal*>(answer));
  }
}

TEST_CASE("names are remembered up to a number, those in use longest (I8)") {
  Allowances allowances;
  allowances.set_rate(1);
  CHECK(allowances.take("in use", Steady(1h)) == Allowances::Take::granted);
  for (std::size_t n = 0; n < Allowances::kNamesMax * 2; ++n) {
    CHECK(allowances.take(std::to_string(n), Steady(1h)) == Allowances::Take::granted);
    if (n % 1000 == 0) CHECK(allowances.take("in use", Steady(1h)) != Allowances::Take::granted);
  }
  CHECK(allowances.take("0", Steady(1h)) == Allowances::Take::granted);
}

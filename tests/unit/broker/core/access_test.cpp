// Who may do what (I10): token grants, roles and denies of the policy, the broker's own namespaces; and a
// random model.
#include "broker/core/access.hpp"

#include <catch2/catch.hpp>

#include <random>

#include "broker/core/op_needs.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

std::vector<Pattern> patterns(const std::vector<std::string>& texts) {
  std::vector<Pattern> out;
  for (const std::string& text : texts) out.push_back(*Pattern::parse(text));
  return out;
}

RightSet rights_of(std::initializer_list<Right> rights) {
  RightSet set;
  for (const Right right : rights) set.add(right);
  return set;
}

struct Desk {
  Policy policy;
  std::vector<std::string> read, write, admin;
  [[nodiscard]] AccessPtr access(const std::string& principal = "p") const {
    return std::make_shared<const Access>(principal,
                                          std::make_shared<const Access::Grants>(Access::Grants{
                                              patterns(read), patterns(write), patterns(admin)}),
                                          std::make_shared<const Policy>(policy));
  }
  void rule(std::string_view pattern, PolicyRule::Rights roles, PolicyRule::Rights deny = {}) {
    PolicyRule rule;
    rule.roles = std::move(roles);
    rule.deny = std::move(deny);
    policy.set(pattern, rule);
  }
};

}  // namespace

TEST_CASE("a token's patterns grant what they cover, each right alone (I10)") {
  Desk desk;
  desk.read = {"a.b", "c.**"};
  desk.write = {"w"};
  const auto access = desk.access();
  CHECK(access->may(Right::read, "a.b"));
  CHECK(access->may(Right::read, "c.d.e"));
  for (const auto* ns : {"a", "a.b.c", "a-b", "cd", "w", "_system.policy"})
    CHECK_FALSE(access->may(Right::read, ns));
  CHECK(access->may(Right::write, "w"));
  CHECK_FALSE(access->may(Right::write, "a.b"));
  CHECK_FALSE(access->may_administer());
  CHECK(access->authorise(Right::read, "w").error().code == ErrorCode::permission_denied);
}

TEST_CASE("the broker's own namespaces need admin on everything, and nothing else opens them (I10)") {
  Desk desk;
  desk.read = desk.write = {"**", "_system.**", "_system.policy"};
  CHECK_FALSE(desk.access()->may(Right::read, "_system.policy"));
  CHECK_FALSE(desk.access()->may(Right::write, "_system.policy"));
  desk.admin = {"a.**"};
  CHECK_FALSE(desk.access()->may(Right::read, "_system.policy"));
  desk.admin = {"**"};
  CHECK(desk.access()->may(Right::read, "_system.policy"));
  CHECK(desk.access()->may(Right::write, "_system.revoked"));
  CHECK(desk.access()->may_all_below(Right::read, "_system"));
  desk.rule("**", {}, {{"*", rights_of({Right::admin})}});
  CHECK_FALSE(desk.access()->may(Right::read, "_system.policy"));
}

TEST_CASE("roles of the policy add, denies take away wherever they stand (I10)") {
  Desk desk;
  desk.rule("a.**", {{"p", rights_of({Right::read})}});
  CHECK(desk.access()->may(Right::read, "a.b"));
  CHECK_FALSE(desk.access("q")->may(Right::read, "a.b"));
  CHECK(desk.access()->may_all_below(Right::read, "a"));
  desk.rule("a.b", {}, {{"p", rights_of({Right::read})}});
  CHECK_FALSE(desk.access()->may(Right::read, "a.b"));
  CHECK(desk.access()->may(Right::read, "a.b.c"));
  CHECK_FALSE(desk.access()->may_all_below(Right::read, "a"));
  CHECK(desk.access()->may_all_below(Right::read, "a.c"));
  CHECK_FALSE(desk.access()->may_all_below(Right::read, ""));
  desk.rule("**", {{"*", rights_of({Right::read, Right::write})}});
  CHECK(desk.access("q")->may(Right::write, "z"));
  CHECK_FALSE(desk.access()->may(Right::read, "a.b"));
}

TEST_CASE("nodes are the tops of what may be read whole") {
  Desk desk;
  desk.read = {"a.**", "a.b.**", "c", "d.e.**"};
  std::vector<std::string> nodes;
  desk.access()->add_readable_nodes("", nodes);
  CHECK(nodes == std::vector<std::string>{"a", "d.e"});
  nodes.clear();
  desk.access()->add_readable_nodes("a.b", nodes);
  CHECK(nodes == std::vector<std::string>{"a.b"});
  desk.rule("a.x.**", {}, {{"p", rights_of({Right::read})}});
  nodes.clear();
  desk.access()->add_readable_nodes("", nodes);
  CHECK(nodes == std::vector<std::string>{"a.b", "d.e"});
  nodes.clear();
  Access::everything()->add_readable_nodes("", nodes);
  CHECK(nodes == std::vector<std::string>{""});
}

TEST_CASE("what is said of everything below agrees with what is said of each name (I10)") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> names{"a", "a.b", "a.b.c", "a.c", "a-b", "b", "b.a", "ab"};
  const auto pick = [&](const auto& from) { return from[random() % from.size()]; };
  std::size_t granted = 0;
  for (int round = 0; round < 5000; ++round) {
    Desk desk;
    const auto pattern = [&] {
      return random() % 5 == 0 ? "**" : pick(names) + (random() % 2 == 0 ? ".**" : "");
    };
    bool denied = false;
    for (auto n = random() % 3; n > 0; --n) desk.read.push_back(pattern());
    for (auto n = random() % 3; n > 0; --n) {
      PolicyRule::Rights roles, deny;
      if (random() % 2 == 0) roles.emplace_back(random() % 2 == 0 ? "p" : "*", rights_of({Right::read}));
      if (random() % 3 == 0) deny.emplace_back(random() % 2 == 0 ? "p" : "q", rights_of({Right::read}));
      denied = denied || !deny.empty();
      desk.rule(pattern(), roles, deny);
    }
    const auto access = desk.access();
    std::vector<std::string> nodes;
    access->add_readable_nodes("", nodes);
    for (const std::string& under : names) {
      if (!access->may_all_below(Right::read, under)) continue;
      ++granted;
      for (const std::string& ns : names) {
        if (is_under(ns, under)) REQUIRE(access->may(Right::read, ns));
      }
      // Beside a deny more is whole than patterns say: `keys` looks for it at what is there.
      if (denied) continue;
      REQUIRE(
          std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return is_under(under, node); }));
    }
    for (const std::string& node : nodes) REQUIRE(access->may_all_below(Right::read, node));
  }
  CHECK(granted > 1000);
}

TEST_CASE("operations say what they need") {
  using What = OpNeeds::What;
  CHECK(needs_of(GetRequest{"a", "k", {}}).ns == "a");
  ListRequest list;
  list.ns = "a";
  CHECK(needs_of(list).what == What::read_exact);
  list.subtree = true;
  CHECK(needs_of(list).what == What::read_each);
  CHECK(needs_of(BackupRequest{"b"}).what == What::administer);
  CHECK(needs_of(PutRequest{}).what == What::write_each);
  const auto nobody = Access::nothing();
  CHECK_FALSE(authorise(*nobody, GetRequest{"a", "k", {}}));
  CHECK_FALSE(authorise(*nobody, BackupRequest{"b"}));
  CHECK(authorise(*nobody, HelloRequest{}));
}

}  // namespace prismbus

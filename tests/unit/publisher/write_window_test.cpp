// Request ids under the contract's rule (I7).
#include "publisher/write_window.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

using namespace prismbus;

namespace {

std::string session_name() {
  static std::uint64_t n = 0;
  return std::to_string(10'000'000 + ++n);
}

}  // namespace

TEST_CASE("n is handed out only when every m <= n - 1,024 has its final answer (I7)") {
  for (const std::size_t window : {1u, 100u, 1024u, 1500u, 4096u}) {
    std::mt19937_64 random(window);
    WriteWindow w(window, &session_name);
    std::map<std::string, std::set<std::uint64_t>> open;
    std::vector<WriteWindow::Ticket> tickets;
    for (int i = 0; i < 30'000; ++i) {
      const bool grow = random() % 100 < 55;
      if (grow) {
        if (const auto t = w.admit()) {
          auto& mine = open[w.session_bytes(*t)];
          REQUIRE((mine.empty() || *mine.begin() + 1024 > t->n));
          REQUIRE(mine.insert(t->n).second);
          tickets.push_back(*t);
        }
      } else if (!tickets.empty()) {
        const std::size_t at = random() % 50 == 0 ? tickets.size() - 1 : random() % tickets.size();
        const auto t = tickets[at];
        tickets.erase(tickets.begin() + static_cast<std::ptrdiff_t>(at));
        open[w.session_bytes(t)].erase(t.n);
        w.close(t, random() % 200 != 0);
      }
      REQUIRE(tickets.size() <= window);
      REQUIRE(w.in_flight() == tickets.size());
    }
  }
}

TEST_CASE("the oldest unanswered write holds back the 1,024th after it, another session goes on") {
  WriteWindow one(1024, &session_name);
  const auto first = *one.admit();
  for (int i = 0; i < 1023; ++i) one.close(*one.admit(), true);
  CHECK_FALSE(one.admit());
  one.close(first, true);
  CHECK(one.admit());
}

TEST_CASE("a session with a write that was given up is used no more") {
  WriteWindow w(10, &session_name);
  const auto given_up = *w.admit();
  const std::string name = w.session_bytes(given_up);
  w.close(given_up, false);
  CHECK(w.session_bytes(*w.admit()) != name);
}

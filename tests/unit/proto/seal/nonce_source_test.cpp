#include "proto/seal/nonce_source.hpp"

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>

using namespace prismbus;

namespace {

std::string take(NonceSource& source) {
  std::string nonce(NonceSource::kBytes, '\0');
  source.take(nonce.data());
  return nonce;
}

}  // namespace

TEST_CASE("I10: no nonce is given twice, by one source or two") {
  NonceSource a, b;
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) {
    seen.insert(take(a));
    seen.insert(take(b));
  }
  CHECK(seen.size() == 10'000);
  CHECK_FALSE(seen.contains(std::string(NonceSource::kBytes, '\0')));
}

TEST_CASE("I10: a forked child gives no nonce that its parent gives") {
  NonceSource source;
  (void)take(source);  // there are nonces in stock
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  constexpr std::size_t kMany = 400;  // more than are in stock
  if (child == 0) {
    bool written = true;
    for (std::size_t i = 0; i < kMany && written; ++i) {
      const std::string nonce = take(source);
      written = ::write(ends[1], nonce.data(), nonce.size()) == static_cast<ssize_t>(nonce.size());
    }
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::set<std::string> seen;
  std::string nonce(NonceSource::kBytes, '\0');
  while (::read(ends[0], nonce.data(), nonce.size()) == static_cast<ssize_t>(nonce.size()))
    seen.insert(nonce);
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  for (std::size_t i = 0; i < kMany; ++i) seen.insert(take(source));
  CHECK(seen.size() == 2 * kMany);
}

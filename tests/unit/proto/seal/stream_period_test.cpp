#include "proto/seal/stream_period.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

TEST_CASE("a period is generation << 40 | minute, and a later generation is greater whatever the minute") {
  const Period p = Period::of(3, 29'900'000);
  CHECK(p.value() == (std::uint64_t{3} << 40) + 29'900'000);
  CHECK(p.generation() == 3);
  CHECK(p.minute() == 29'900'000);
  CHECK(Period::of(4, 0) > Period::of(3, Period::kMinuteMax));
  CHECK(Period::of(Period::kGenerationMax, Period::kMinuteMax).value() == ~std::uint64_t{0});
}

TEST_CASE("the neighbours of a period are of its generation") {
  const Period p = Period::of(3, 7);
  CHECK(p.next() == Period::of(3, 8));
  CHECK(p.previous() == Period::of(3, 6));
  CHECK(Period::of(3, Period::kMinuteMax).next() == Period::of(3, Period::kMinuteMax));
  CHECK(Period::of(3, 0).previous() == Period::of(3, 0));
  for (const Period told : {p, p.next(), p.previous()}) CHECK(told.is_told_in(p));
  for (const Period other : {p.next().next(), p.previous().previous(), Period::of(2, 7), Period::of(4, 7)}) {
    CHECK_FALSE(other.is_told_in(p));
  }
  CHECK_FALSE(Period::of(4, 0).is_told_in(Period::of(3, Period::kMinuteMax)));
}

#include "proto/base/histogram.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace prismbus;

namespace {

constexpr std::array<std::uint64_t, 4> kBounds{0, 10, 100, 1000};

std::vector<std::uint64_t> counts(const Histogram& histogram) {
  return {histogram.counts().begin(), histogram.counts().end()};
}

}  // namespace

TEST_CASE("a value belongs to the first bound it is not above") {
  Histogram histogram(kBounds);
  CHECK(counts(histogram) == std::vector<std::uint64_t>{0, 0, 0, 0, 0});
  for (const std::uint64_t value : {0, 1, 10, 11, 100, 1000, 1001, 999'999}) histogram.record(value);
  CHECK(counts(histogram) == std::vector<std::uint64_t>{1, 2, 2, 1, 2});
  CHECK(histogram.count() == 8);
  CHECK(histogram.sum() == 1'002'122);
}

TEST_CASE("many of one value are recorded as one by one") {
  Histogram at_once(kBounds), one_by_one(kBounds);
  at_once.record(7, 5);
  for (int i = 0; i < 5; ++i) one_by_one.record(7);
  CHECK(counts(at_once) == counts(one_by_one));
  CHECK(at_once.sum() == one_by_one.sum());
}

TEST_CASE("count and sum are those of all values, wherever they fall") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  Histogram histogram(kBounds);
  std::uint64_t sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = random() % 2000;
    sum += value;
    histogram.record(value);
  }
  std::uint64_t n = 0;
  for (const std::uint64_t count : histogram.counts()) n += count;
  CHECK(n == 10'000);
  CHECK(histogram.count() == 10'000);
  CHECK(histogram.sum() == sum);
}

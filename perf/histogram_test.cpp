// The histogram against plain sorting.
#include "perf/histogram.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using prismbus::perf::LatencyHistogram;
using std::chrono::nanoseconds;

TEST_CASE("buckets cover every value without holes and stay within 1.6 percent") {
  for (std::size_t bucket = 1; bucket < 2000; ++bucket) {
    const auto top = LatencyHistogram::top_of(bucket);
    REQUIRE(LatencyHistogram::bucket_of(top) == bucket);
    REQUIRE(LatencyHistogram::bucket_of(top + 1) == bucket + 1);
    const auto below = LatencyHistogram::top_of(bucket - 1);
    REQUIRE(static_cast<double>(top - below) <= std::max(1.0, 0.016 * static_cast<double>(top)));
  }
}

TEST_CASE("the largest value has a bucket") {
  LatencyHistogram h;
  h.record(nanoseconds::max());
  h.record(nanoseconds(-5));
  CHECK(h.count() == 2);
  CHECK(h.max() == nanoseconds::max());
  CHECK(h.at(0.5) == nanoseconds(0));
  CHECK(h.at(1.0) == nanoseconds::max());
}

TEST_CASE("quantiles agree with sorted values") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(11.0, 1.5);
  std::vector<std::int64_t> values;
  LatencyHistogram first, second;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::int64_t>(spread(random)));
    (i % 2 == 0 ? first : second).record(nanoseconds(values.back()));
  }
  first.merge(second);
  REQUIRE(first.count() == values.size());
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))) - 1;
    const auto exact = static_cast<double>(values[rank]);
    const auto kept = static_cast<double>(first.at(q).count());
    INFO("quantile " << q);
    CHECK(kept >= exact);
    CHECK(kept <= exact * 1.016 + 1);
  }
}

TEST_CASE("an empty histogram answers zero") {
  CHECK(LatencyHistogram{}.at(0.99) == nanoseconds(0));
}

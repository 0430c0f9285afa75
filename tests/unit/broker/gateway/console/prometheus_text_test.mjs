// Histograms read back from the text of /metrics.
import assert from "node:assert/strict";
import test from "node:test";

import { histogramOf, quantile, sinceBefore } from "../../../../../broker/gateway/console/prometheus_text.mjs";

test("a quantile is read from the buckets between two looks", () => {
  const text = (n) => `# TYPE x histogram\nx_bucket{le="0.001"} ${n}\nx_bucket{le="0.01"} ${n + 9}\nx_bucket{le="+Inf"} ${n + 10}\nx_sum 1\nx_count ${n + 10}\nxy_bucket{le="1"} 5\n`;
  const before = histogramOf(text(1), "x");
  const now = histogramOf(text(11), "x");
  assert.deepEqual([before.count, now.count, histogramOf(text(1), "z")], [11, 21, null]);
  const between = sinceBefore(now, before);
  assert.deepEqual([between.count, quantile(between, 0.5)], [10, 0.001]);
  assert.equal(quantile(now, 0.9), 0.01);
  assert.equal(quantile(now, 1), 0.01);
  assert.equal(sinceBefore(before, now), before);
});

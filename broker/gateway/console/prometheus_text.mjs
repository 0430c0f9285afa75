// Histograms out of the text that /metrics answers. Pure functions.

// {buckets: [{le, count}], count}: cumulative, `le` in ascending order, the last one Infinity; null: there is none of that
// name. Only one without labels of its own.
export function histogramOf(text, name) {
  const buckets = [];
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}_bucket{`)) continue;
    const found = /^[^{]*\{le="([^"]+)"\} (\S+)/.exec(line);
    if (found === null) continue;
    buckets.push({ le: found[1] === "+Inf" ? Infinity : Number(found[1]), count: Number(found[2]) });
  }
  if (buckets.length === 0) return null;
  buckets.sort((a, b) => a.le - b.le);
  return { buckets, count: buckets[buckets.length - 1].count };
}

// What came between two looks; a broker that began anew counts from nothing.
export function sinceBefore(now, before) {
  if (now.count < before.count || now.buckets.length !== before.buckets.length) return now;
  const buckets = now.buckets.map((each, i) => ({ le: each.le, count: each.count - before.buckets[i].count }));
  return { buckets, count: now.count - before.count };
}

// The upper end of the bucket that the quantile lies in; of the last one its lower end.
export function quantile(histogram, q) {
  const rank = histogram.count * q;
  const at = histogram.buckets.findIndex((each) => each.count >= rank);
  const { le } = histogram.buckets[at];
  return le === Infinity ? (histogram.buckets[at - 1]?.le ?? 0) : le;
}

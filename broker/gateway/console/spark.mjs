// Figures over time: a line of the last of them, and what keeps them.
import { s } from "./dom.mjs";

const kSparkWidth = 120;
const kSparkHeight = 24;

// Figures over time as a line, the oldest at the left; `text` says the last one.
export function spark(values, text) {
  const most = Math.max(...values, 0) * 1.25; // so that what does not change is no line under its title
  const step = kSparkWidth / Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(kSparkHeight - 1 - (most > 0 ? (v / most) * (kSparkHeight - 3) : 0)).toFixed(1)}`);
  const line = points.join(" ");
  const below = `0,${kSparkHeight} ${line} ${kSparkWidth},${kSparkHeight}`;
  const drawn = values.length > 1 ? [s("polygon", { points: below }), s("polyline", { points: line, fill: "none" })] : null;
  return s("svg", { class: "spark", viewBox: `0 0 ${kSparkWidth} ${kSparkHeight}`, role: "img", "aria-label": text, preserveAspectRatio: "none" }, drawn);
}

// The last `most` figures of each of at most `names` names; who was not heard of for longest goes first.
export class Rings {
  constructor(most = 60, names = 2000) {
    this.most = most;
    this.names = names;
    this.rings = new Map();
  }
  add(name, value) {
    const ring = this.rings.get(name) ?? [];
    this.rings.delete(name);
    this.rings.set(name, ring);
    ring.push(value);
    if (ring.length > this.most) ring.shift();
    if (this.rings.size > this.names) this.rings.delete(this.rings.keys().next().value);
    return ring;
  }
}

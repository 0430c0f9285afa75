// The difference of two texts, line by line: Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986) between the
// common head and the common tail. Pure functions.

const kEditsMax = 800; // beyond it both texts are told as replaced whole, rather than keep a browser busy

// The edits that make b of a, as runs [{op: "=" | "-" | "+", line}].
function myers(a, b) {
  const most = Math.min(a.length + b.length, kEditsMax);
  const trail = [];
  let front = new Map([[1, 0]]);
  for (let d = 0; d <= most; d++) {
    trail.push(new Map(front));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && front.get(k - 1) < front.get(k + 1));
      let x = down ? front.get(k + 1) : front.get(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      front.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(trail, a, b);
    }
  }
  return [...a.map((line) => ({ op: "-", line })), ...b.map((line) => ({ op: "+", line }))];
}

function walkBack(trail, a, b) {
  const out = [];
  let x = a.length;
  let y = b.length;
  for (let d = trail.length - 1; d >= 0; d--) {
    const front = trail[d];
    const k = x - y;
    const down = k === -d || (k !== d && front.get(k - 1) < front.get(k + 1));
    const before = down ? k + 1 : k - 1;
    const fromX = front.get(before);
    const fromY = fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      out.push({ op: "=", line: a[x - 1] });
      x--, y--;
    }
    if (d === 0) break;
    out.push(down ? { op: "+", line: b[--y] } : { op: "-", line: a[--x] });
  }
  return out.reverse();
}

// [{op, line, before, after}]: line numbers from 1, null where the line is not in that text.
export function lineDiff(before, after) {
  const a = before === null ? [] : before.split("\n");
  const b = after === null ? [] : after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (line) => ({ op: "=", line });
  const rows = [
    ...a.slice(0, head).map(same),
    ...myers(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
  let i = 0;
  let j = 0;
  return rows.map(({ op, line }) => ({ op, line, before: op === "+" ? null : ++i, after: op === "-" ? null : ++j }));
}

// The same, where a run of lines gave way to as many others: `marked` is [before, what differs, behind] of each such line.
export function markedLines(rows) {
  for (let i = 0; i < rows.length; ) {
    const less = runFrom(rows, i, "-");
    const more = runFrom(rows, i + less, "+");
    if (less === more) for (let j = i; j < i + less; j++) markPair(rows[j], rows[j + less]);
    i += Math.max(1, less + more);
  }
  return rows;
}

function runFrom(rows, start, op) {
  let n = 0;
  while (rows[start + n]?.op === op) n++;
  return n;
}

function markPair(a, b) {
  const most = Math.min(a.line.length, b.line.length);
  let head = 0;
  while (head < most && a.line[head] === b.line[head]) head++;
  let tail = 0;
  while (tail < most - head && a.line.at(-1 - tail) === b.line.at(-1 - tail)) tail++;
  if (head > 0 && isHalf(a.line, head)) head--; // both halves of a character that takes two
  if (tail > 0 && isHalf(a.line, a.line.length - tail)) tail--;
  for (const row of [a, b]) row.marked = [row.line.slice(0, head), row.line.slice(head, row.line.length - tail), row.line.slice(row.line.length - tail)];
}

// Whether what stands at `i` is the second half of a character.
function isHalf(text, i) {
  const code = text.charCodeAt(i);
  return code >= 0xdc00 && code <= 0xdfff;
}

// The same without what is far from any change: a run that is left out is {op: "…", count}.
export function folded(rows, context = 3) {
  const near = new Array(rows.length).fill(false);
  rows.forEach((row, i) => {
    if (row.op === "=") return;
    for (let j = Math.max(0, i - context); j <= Math.min(rows.length - 1, i + context); j++) near[j] = true;
  });
  const out = [];
  rows.forEach((row, i) => {
    if (near[i]) return out.push(row);
    if (out.length > 0 && out[out.length - 1].op === "…") return out[out.length - 1].count++;
    return out.push({ op: "…", count: 1 });
  });
  return out;
}

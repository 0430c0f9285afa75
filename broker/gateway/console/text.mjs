// How figures, times and names are written. Pure functions.

export function count(n) {
  return typeof n === "number" ? n.toLocaleString("en-US").replaceAll(",", "\u202f") : String(n ?? "");
}

// "1 key", "7 keys"; `more`: at least so many.
export function many(n, name, more = false) {
  return `${count(n)}${more ? "+" : ""} ${name}${n === 1 && !more ? "" : "s"}`;
}

export function bytes(n) {
  if (typeof n !== "number") return "";
  if (n < 1024) return `${n} B`;
  const step = Math.min(4, Math.floor(Math.log2(n) / 10));
  const scaled = n / 1024 ** step;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}`;
}

// A duration of microseconds.
export function micros(us) {
  if (typeof us !== "number") return "";
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 2 : us < 1e5 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(us < 1e7 ? 2 : 1)} s`;
}

const two = (n) => String(n).padStart(2, "0");

function parts(us) {
  const at = new Date(Math.floor(us / 1000));
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return { day, clock, fraction: String(us % 1e6).padStart(6, "0") };
}

// Microseconds since 1970 as local time: 2026-11-28 09:14:03.123
export function time(us) {
  if (typeof us !== "number" || us === 0) return "";
  const { day, clock, fraction } = parts(us);
  return `${day} ${clock}.${fraction.slice(0, 3)}`;
}

// To the microsecond, with the zone: for titles.
export function exactTime(us) {
  if (typeof us !== "number" || us === 0) return "";
  const { day, clock, fraction } = parts(us);
  const zone = -new Date(us / 1000).getTimezoneOffset();
  return `${day} ${clock}.${fraction} ${zone < 0 ? "-" : "+"}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
}

// As <input type="datetime-local"> wants it, and back.
export function localInput(us) {
  const { day, clock } = parts(us);
  return `${day}T${clock}`;
}
export function fromLocalInput(text) {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms * 1000;
}

// The time of day alone when `us` lies within the day that `now` lies in.
export function clock(us, now = Date.now() * 1000) {
  if (typeof us !== "number" || us === 0) return "";
  const at = parts(us);
  return at.day === parts(now).day ? `${at.clock}.${at.fraction.slice(0, 3)}` : time(us);
}

export function ago(us, now = Date.now() * 1000) {
  if (typeof us !== "number" || us === 0) return "";
  const seconds = Math.max(0, (now - us) / 1e6);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} d ago`;
}

// Whole minutes until `until` (milliseconds since 1970) when they are few; null: there are more, or nobody waits for it.
const kFewMinutes = 10;
export function minutesLeft(until, now = Date.now()) {
  if (until === null) return null;
  const minutes = Math.max(0, Math.floor((until - now) / 60000));
  return minutes < kFewMinutes ? minutes : null;
}

// Words as one line for a shell: what it would take for more than itself stands in quotes.
export function shell(words) {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

// The command of this project that does `verb` to a key.
export function prismbusLine(verb, names, options = []) {
  return shell(["prismbus", verb, ...options, ...(names.some((name) => name.startsWith("-")) ? ["--"] : []), ...names]);
}

// The glob that matches `key` and nothing else.
export function exactGlob(key) {
  return key.replace(/[\\*?]/g, "\\$&");
}

export function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

// A glob that finds keys with `text` somewhere in them; a text with * or ? is a glob already.
export function globOf(text) {
  if (text === "") return null;
  if (/[*?]/.test(text)) return text;
  return `**${text.replaceAll("\\", "\\\\")}**`;
}

// #/page?name=value of what is not null.
export function link(page, parameters = {}) {
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return `#/${page}${query.length > 0 ? `?${query.join("&")}` : ""}`;
}

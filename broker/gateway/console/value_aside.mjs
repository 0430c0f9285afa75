// What stands beside a value: its latest versions, and the same from a shell. No values, so nothing is to be hidden.
import * as api from "./api.mjs";
import { command } from "./copy.mjs";
import { h, replace } from "./dom.mjs";
import { agoCell, attempt, empty } from "./parts.mjs";
import * as session from "./session.mjs";
import { count, exactGlob, link, prismbusLine, shell } from "./text.mjs";

const kVersions = 6;

function versionLine(ns, key, version, older) {
  const compared = link("history", { ns, key, from: older?.rev, to: version.rev });
  return h("li", {},
    h("span", { class: "what" }, h("a", { href: compared }, `Revision ${count(version.rev)}`), version.op === "delete" ? [" ", h("span", { class: "bad" }, "deleted")] : null),
    agoCell(version.time),
    h("span", { class: "about" }, `by ${version.by}`, version.note === undefined ? "" : `: ${version.note}`));
}

// With curl, as whoever is logged in: the token comes from the file that the command `prismbus` reads too.
function curlLine(ns, key) {
  const words = ["curl", "-sf"];
  const token = session.token() === null ? "" : ' -H "Authorization: Bearer $(cat "$PRISMBUS_TOKEN_FILE")"';
  return `${shell(words)}${token} ${shell([`${location.origin}/api/v1/config/${encodeURIComponent(ns)}?key=${encodeURIComponent(key)}`])}`;
}

export class ValueAside {
  constructor(ns, key, signal) {
    Object.assign(this, { ns, key, signal });
    this.versions = h("div");
    this.lines = h("div");
    this.element = h("aside", { "aria-label": "Besides" },
      h("section", { class: "latest" }, h("h2", {}, "Latest versions", h("a", { href: link("history", { ns, key }) }, "All")), this.versions),
      h("section", {}, h("h2", {}, "From a shell"), this.lines));
  }

  // `there`: whether the key is.
  set(there) {
    const watch = prismbusLine("watch", [this.ns], [`--glob=${exactGlob(this.key)}`]);
    replace(this.lines, (there ? [prismbusLine("get", [this.ns, this.key]), watch, curlLine(this.ns, this.key)] : [prismbusLine("put", [this.ns, this.key, "0.01"]), watch]).map(command));
  }

  load() {
    return attempt(this.versions, async () => {
      const { versions } = await api.history(this.ns, this.key, { limit: kVersions, signal: this.signal });
      replace(this.versions, versions.length === 0 ? empty("None yet.")
        : h("ol", {}, versions.slice(0, kVersions - 1).map((each, i) => versionLine(this.ns, this.key, each, versions[i + 1]))));
    });
  }
}

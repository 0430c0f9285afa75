// Columns that rows are sorted by. Which one, and which way, is said by aria-sort of its heading.
import { h } from "./dom.mjs";

// Sorts by what `of` gives of a row: numbers by value, texts by their characters; what is undefined comes last.
export function comparer(of, down) {
  const sign = down ? -1 : 1;
  return (a, b) => {
    const [x, y] = [of(a), of(b)];
    if (x === y) return 0;
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return x < y ? -sign : sign;
  };
}

// `columns`: name -> {of, down}, down: whether a first click puts the greatest first. `changed` is called when another order
// was chosen. What rows come in to begin with is the column `by`, upwards.
export class Order {
  constructor(columns, by, changed) {
    Object.assign(this, { columns, by, changed, down: false, first: by });
    this.headings = new Map();
  }
  get natural() {
    return this.by === this.first && !this.down;
  }
  get compare() {
    return comparer(this.columns[this.by].of, this.down);
  }
  // What stands in the heading `th` of the column `name`.
  heading(th, name, title) {
    this.headings.set(name, th);
    th.append(h("button", { type: "button", class: "sort", onclick: () => this.choose(name) }, title));
    this.mark();
  }
  choose(name) {
    this.down = name === this.by ? !this.down : this.columns[name].down === true;
    this.by = name;
    this.mark();
    this.changed();
  }
  mark() {
    for (const [name, th] of this.headings) {
      if (name !== this.by) th.removeAttribute("aria-sort");
      else th.setAttribute("aria-sort", this.down ? "descending" : "ascending");
    }
  }
}

// Nodes of the page. Whatever comes from the broker becomes a text node or an attribute's text, never markup.

// h("a", {href: "#/", class: "x", onclick: f}, "text", node, [nodes], null): an element. A property that is null, undefined
// or false is left out; `true` is an attribute without a value.
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

// The same of SVG.
export function s(tag, properties = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

// Tells who does not see the page what has happened.
export function say(text) {
  document.getElementById("said").textContent = text;
}

// Calls `work` again and again, `milliseconds` after it ended each time, until `signal` aborts. While the page is in a
// background tab nobody looks, so nothing is asked.
export function poll(work, milliseconds, signal) {
  let timer = null;
  const step = async () => {
    if (!document.hidden) await work();
    if (!signal.aborted) timer = setTimeout(step, milliseconds);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  return step();
}

let ids = 0;
export function freshId(prefix) {
  return `${prefix}-${++ids}`;
}

// Draws `container` anew by `draw` and puts the focus back on what has the same data-focus.
export function redrawn(container, draw) {
  const held = container.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  draw();
  if (held !== undefined) container.querySelector(`[data-focus="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

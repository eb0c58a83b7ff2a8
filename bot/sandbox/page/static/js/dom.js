/** Building DOM nodes. Data only ever becomes text nodes and attributes, never markup. */

const SVG = "http://www.w3.org/2000/svg";

function applyProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  } else if (name === "data") {
    for (const [key, text] of Object.entries(value)) {
      if (text !== null && text !== undefined && text !== false) node.dataset[key] = text === true ? "" : text;
    }
  } else if (name === "vars") {
    for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
  } else if (name === "value") {
    node.value = value;
  } else {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** An element: h("p", {class: "x", on: {click}}, "text", node, [more]). */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) applyProp(node, name, value);
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function sprite(file, name, attributes) {
  return svg("svg", { viewBox: "0 0 24 24", ...attributes }, svg("use", { href: `/static/${file}.svg#${name}` }));
}

export const icon = (name) => sprite("icons", name, { class: "icon", "aria-hidden": "true" });

export const emojiImage = (name) => sprite("emoji", name, { class: "emoji", role: "img", "aria-label": name });

let counter = 0;
export const uid = (prefix) => `${prefix}-${(counter += 1)}`;

export function iconButton(name, label, onClick, props = {}) {
  return h(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: onClick }, ...props },
    icon(name),
  );
}

/** Initials on the person's colour; the name stands beside it, so it is hidden from assistive technology. */
export function avatar(person, size = "") {
  return h(
    "span",
    { class: `avatar ${size}`, "aria-hidden": "true", vars: { "--who": person.color ?? "#64748b" } },
    person.initials ?? "?",
  );
}

export const spinner = () => h("span", { class: "spinner", "aria-hidden": "true" });

export function replace(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** Puts the children of `parent` in this order and moves only what must move, so that focus survives. */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

export function announce(text) {
  const region = document.getElementById("announcer");
  region.append(h("p", {}, text));
  while (region.children.length > 5) region.firstChild.remove();
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
    return false;
  }
}

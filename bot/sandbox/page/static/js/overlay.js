/** Dialogs over the chat window. They cover the chat alone: Phone and Terminal are other devices and stay in reach. */

import { h, uid } from "./dom.js";

const FOCUSABLE =
  "a[href],button:not([disabled]),input:not([disabled]),textarea:not([disabled]),select:not([disabled]),[tabindex]:not([tabindex='-1'])";

const layers = [];

const focusables = (root) => [...root.querySelectorAll(FOCUSABLE)].filter((node) => node.getClientRects().length > 0);

function refreshInert() {
  const overlay = document.getElementById("overlay");
  document.getElementById("window").inert = layers.length > 0;
  overlay.hidden = layers.length === 0;
  layers.forEach((layer, index) => {
    layer.root.inert = index < layers.length - 1;
  });
}

function trap(event, layer) {
  if (event.key === "Escape" && !event.defaultPrevented) {
    event.preventDefault();
    layer.onEscape();
  }
  if (event.key !== "Tab") return;
  const stops = focusables(layer.root);
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  const other = event.shiftKey ? stops.at(-1) : stops[0];
  if (document.activeElement === edge || document.activeElement === layer.root) {
    event.preventDefault();
    other?.focus();
  }
}

/** Puts `root` on top, keeps Tab inside it, and returns what takes it away again. */
export function openLayer(root, onEscape, firstFocus) {
  const layer = { root, onEscape, opener: document.activeElement };
  root.setAttribute("tabindex", "-1");
  root.addEventListener("keydown", (event) => trap(event, layer));
  layers.push(layer);
  document.getElementById("overlay").append(root);
  refreshInert();
  (firstFocus?.() ?? focusables(root)[0] ?? root).focus();
  return () => {
    const at = layers.indexOf(layer);
    if (at < 0) return;
    layers.splice(at, 1);
    root.remove();
    refreshInert();
    const next = layers.at(-1)?.root;
    if (next && !next.contains(layer.opener)) (focusables(next)[0] ?? next).focus();
    else if (layer.opener?.isConnected) layer.opener.focus();
  };
}

export const topLayer = () => layers.at(-1)?.root ?? null;

/** Asks; resolves to whether the visitor agreed. `parts` are nodes or strings. */
export function ask({ title, body, confirm, deny, danger }) {
  return new Promise((resolve) => {
    const titleId = uid("ask");
    const answer = (agreed) => {
      close();
      resolve(agreed);
    };
    const yes = h(
      "button",
      { type: "button", class: `button ${danger ? "danger" : "primary"} solid`, on: { click: () => answer(true) } },
      confirm,
    );
    const no = h("button", { type: "button", class: "button", on: { click: () => answer(false) } }, deny);
    const box = h(
      "div",
      { class: "dialog small", role: "alertdialog", "aria-labelledby": titleId, "aria-describedby": `${titleId}-text` },
      h("header", { class: "dialog-head" }, h("h2", { id: titleId }, title)),
      h("div", { class: "dialog-body", id: `${titleId}-text` }, body),
      h("footer", { class: "dialog-foot" }, no, yes),
    );
    const close = openLayer(
      box,
      () => answer(false),
      () => yes,
    );
  });
}

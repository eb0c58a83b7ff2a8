/** Lists that float above everything, next to what opened them: a select's options, a menu's items. */

import { h } from "./dom.js";

const GAP = 4;

function place(popup, anchor, align) {
  const box = anchor.getBoundingClientRect();
  popup.style.minWidth = `${Math.min(box.width, innerWidth - 16)}px`;
  const height = popup.offsetHeight;
  const below = innerHeight - box.bottom - GAP;
  const above = below < Math.min(height, 160) && box.top > below;
  popup.style.maxHeight = `${Math.max(120, Math.min(320, (above ? box.top : below) - 12))}px`;
  popup.style.top = above ? "auto" : `${box.bottom + GAP}px`;
  popup.style.bottom = above ? `${innerHeight - box.top + GAP}px` : "auto";
  const left = align === "end" ? box.right - popup.offsetWidth : box.left;
  popup.style.left = `${Math.max(8, Math.min(left, innerWidth - popup.offsetWidth - 8))}px`;
}

/** Shows `popup` by `anchor` until the returned function is called; `dismiss` is told of a press elsewhere. */
export function showPopup(popup, anchor, dismiss, align = "start") {
  popup.showPopover();
  const move = () => place(popup, anchor, align);
  const press = (event) => {
    if (!popup.contains(event.target) && !anchor.contains(event.target)) dismiss();
  };
  const sizes = new ResizeObserver(move);
  sizes.observe(popup);
  addEventListener("scroll", move, true);
  addEventListener("resize", move);
  document.addEventListener("pointerdown", press, true);
  move();
  return () => {
    sizes.disconnect();
    removeEventListener("scroll", move, true);
    removeEventListener("resize", move);
    document.removeEventListener("pointerdown", press, true);
    if (popup.isConnected && popup.matches(":popover-open")) popup.hidePopover();
  };
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

function menuKeys(event, items, close) {
  const at = items.indexOf(document.activeElement);
  const targets = { Home: 0, End: items.length - 1 };
  if (event.key in STEPS) items[(at + STEPS[event.key] + items.length) % items.length]?.focus();
  else if (event.key in targets) items[targets[event.key]]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") close(event.key === "Escape");
  else return;
  if (event.key !== "Tab") event.preventDefault();
  event.stopPropagation();
}

/** A button's menu: `items` are elements with a menuitem role; arrows move, Esc and Tab close. */
export function attachMenu(button, label, buildItems, align = "end") {
  const menu = h("div", { class: "popup menu", role: "menu", "aria-label": label, popover: "manual" });
  let hide = null;
  const close = (refocus = false) => {
    hide?.();
    hide = null;
    button.setAttribute("aria-expanded", "false");
    if (refocus) button.focus();
  };
  const open = () => {
    menu.replaceChildren(...buildItems(close));
    hide = showPopup(menu, button, () => close(), align);
    button.setAttribute("aria-expanded", "true");
    const items = [...menu.querySelectorAll("[role^=menuitem]")];
    (items.find((item) => item.getAttribute("aria-checked") === "true") ?? items[0])?.focus();
  };
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => (hide ? close(true) : open()));
  menu.addEventListener("keydown", (event) => menuKeys(event, [...menu.querySelectorAll("[role^=menuitem]")], close));
  button.after(menu);
  return close;
}

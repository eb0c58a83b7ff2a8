/** Short notices in a corner. Failures are worded once, even when both the answer and a live notice tell of them. */

import { h, iconButton } from "./dom.js";
import { inWords } from "./api.js";

const LIFE = { info: 5000, error: 9000 };
let lastErrorAt = 0;

export function toast(level, text) {
  const region = document.getElementById("toasts");
  if ([...region.children].some((shown) => shown.dataset.text === text)) return;
  if (level === "error") lastErrorAt = Date.now();
  const box = h("div", { class: `toast ${level}`, data: { text } }, h("p", {}, text));
  const close = () => box.remove();
  box.append(iconButton("close", "Dismiss", close));
  region.append(box);
  setTimeout(close, LIFE[level] ?? LIFE.info);
}

/** Tells of a failed call, unless a live notice does so within the moment. */
export function failure(error, startedAt, words = inWords(error)) {
  setTimeout(() => {
    if (lastErrorAt < startedAt) toast("error", words);
  }, 250);
}

/** A strip for the first visit: what to try. It stays away once dismissed. */

import { h, iconButton } from "./dom.js";

const KEY = "prodaccess.hints.dismissed";

const STEPS = [
  ["See it refused.", " In the Terminal, read a checkout log as Maya."],
  ["Enrol.", " Send ", h("code", {}, "/prodaccess enrol"), "; as Inès (“You are”), vouch for Maya; as Maya, scan."],
  ["Ask, approve.", " Send ", h("code", {}, "/prodaccess"), "; as Inès, approve in #prod-access. Read it again."],
];

export function hintStrip() {
  if (localStorage.getItem(KEY)) return null;
  const dismiss = () => {
    localStorage.setItem(KEY, "1");
    strip.remove();
    document.getElementById("composer")?.focus();
  };
  const steps = STEPS.map(([title, ...rest]) => h("li", {}, h("span", {}, h("strong", {}, title), rest)));
  const strip = h(
    "section",
    { class: "hints", "aria-label": "What to try first" },
    h(
      "details",
      { open: matchMedia("(min-width: 720px)").matches },
      h("summary", {}, h("h2", {}, "What to try first")),
      h("ol", {}, steps),
    ),
    iconButton("close", "Dismiss these hints", dismiss),
  );
  return strip;
}

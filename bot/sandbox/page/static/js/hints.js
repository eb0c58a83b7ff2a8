/** A strip for the first visit: what to try. It stays away once dismissed. */

import { h, iconButton } from "./dom.js";

const KEY = "prodaccess.hints.dismissed";

const STEPS = [
  ["Set up your Phone:", " send ", h("code", {}, "/prodaccess enrol"), " and scan."],
  ["See it refused:", " run a call in the Terminal; ask with ", h("code", {}, "/prodaccess"), "."],
  ["Approve it:", " become the manager under “You are”, then run it again."],
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
    h("h2", {}, "What to try first"),
    h("ol", {}, steps),
    iconButton("close", "Dismiss these hints", dismiss),
  );
  return strip;
}

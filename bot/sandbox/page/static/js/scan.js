/** "Scan with phone": finds an enrolment secret among the blocks shown and hands it to the person's authenticator. */

import { h, icon } from "./dom.js";
import { inWords, post } from "./api.js";
import { unescape } from "./mrkdwn.js";
import { emit, state } from "./store.js";
import { toast } from "./toast.js";

const LINK = /otpauth:\/\/totp\/[^\s|>`"<*]+/;
const SECRET = /(?<![A-Z0-9])(?:[A-Z2-7]{4}[ -]?){5,}[A-Z2-7]{4,}={0,6}(?![A-Z0-9])/;
const CLOUD_ID = /^(?:AKIA|ASIA|AIDA|AROA)/;

const buttons = new WeakMap();

function* texts(value) {
  if (typeof value === "string") yield value;
  else if (value && typeof value === "object") for (const inner of Object.values(value)) yield* texts(inner);
}

function shownTexts(blocks) {
  return blocks.flatMap((block) => [
    ...texts([block.text, block.fields, block.elements, block.label, block.hint, block.element?.initial_value]),
  ]);
}

/** The otpauth link or the Base32 secret that the blocks show, or null. */
export function secretIn(blocks) {
  const all = shownTexts(blocks);
  for (const text of all) {
    const found = LINK.exec(text);
    if (found) return unescape(found[0]);
  }
  for (const text of all) {
    const found = SECRET.exec(text);
    if (found && !CLOUD_ID.test(found[0])) return found[0].replace(/[ -]/g, "");
  }
  return null;
}

/** The index of the last block that shows a secret; the button stands under it. */
export const lastWithSecret = (blocks) => blocks.findLastIndex((block) => secretIn([block]) !== null);

/** Adds a secret to the current person's phone; resolves to the failure in words, or null. */
export async function addToPhone(secret) {
  const answer = await post(`/phone/${encodeURIComponent(state.me)}`, { secret });
  if (!answer.ok)
    return answer.error?.includes(" ") ? answer.error.replace(/^secret: /, "The secret: ") : inWords(answer.error);
  emit("phone-changed");
  return null;
}

async function scan(event, secret) {
  const button = event.currentTarget;
  button.disabled = true;
  const failed = await addToPhone(secret);
  button.disabled = false;
  toast(failed ? "error" : "info", failed ?? "Added to your phone. It shows the running code.");
  if (!failed) document.getElementById("phone").classList.add("rang");
}

/** The button to stand under these blocks, or null; the same button again while the secret stays the same. */
export function scanButton(blocks, root) {
  const secret = secretIn(blocks);
  if (!secret) return null;
  const old = buttons.get(root);
  if (old?.secret === secret) return old.node;
  const node = h(
    "div",
    { class: "scan" },
    h(
      "button",
      { type: "button", class: "button scan-button", on: { click: (event) => scan(event, secret) } },
      icon("scan"),
      "Scan with phone",
    ),
    h("span", { class: "scan-note" }, "stands for pointing your phone's camera at it"),
  );
  buttons.set(root, { secret, node });
  return node;
}

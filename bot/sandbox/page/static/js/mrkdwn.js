/** Slack's mrkdwn to DOM nodes. */

import { h } from "./dom.js";
import { emojiNamed, withEmoji } from "./emoji.js";
import { formatDate } from "./dates.js";
import { channelOf, nameOf, state } from "./store.js";

const STYLES = { "*": "strong", _: "em", "~": "s" };
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const WORD = /[\p{L}\p{N}]/u;

export const unescape = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

/** A link that leaves the page only for the web and mail; any other scheme stays text. */
export function link(url, label) {
  const shown = label ?? url;
  if (!/^(https?:|mailto:)/i.test(url)) return h("span", { class: "link-text" }, shown);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
}

export function mention(userId) {
  return h("span", { class: "pill", data: { me: userId === state.me } }, `@${nameOf(userId)}`);
}

export const channelPill = (id, label) => h("span", { class: "pill" }, `#${channelOf(id)?.name ?? label ?? id}`);

export const broadcast = (range) => h("span", { class: "pill broadcast" }, `@${range}`);

export function dateNode(seconds, format, fallback, url, startsLine = false) {
  const date = new Date(seconds * 1000);
  const iso = Number.isNaN(date.getTime()) ? null : date.toISOString();
  const time = h("time", { datetime: iso, title: fallback }, formatDate(seconds, format, fallback, startsLine));
  return url ? link(url, time) : time;
}

function special(body, label, startsLine) {
  const [kind, ...rest] = body.split("^");
  if (kind === "date") {
    const [seconds, format, url] = rest;
    return dateNode(Number(seconds), unescape(format ?? ""), unescape(label ?? ""), url && unescape(url), startsLine);
  }
  if (kind === "subteam") return h("span", { class: "pill" }, label ?? `@${rest[0]}`);
  return broadcast(label ?? kind);
}

/** What stands between < and >. */
function token(inside, startsLine) {
  const bar = inside.indexOf("|");
  const body = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : unescape(inside.slice(bar + 1));
  if (body.startsWith("@")) return mention(body.slice(1));
  if (body.startsWith("#")) return channelPill(body.slice(1), label);
  if (body.startsWith("!")) return special(body.slice(1), label, startsLine);
  return link(unescape(body), label);
}

/** The index of the mark that closes the one at `start`, or -1; code and tokens are stepped over. */
function closing(text, start) {
  const mark = text[start];
  if (WORD.test(text[start - 1] ?? " ") || /[\s*_~]/.test(text[start + 1] ?? " ")) return -1;
  for (let at = start + 1; at < text.length && text[at] !== "\n"; at += 1) {
    if (text[at] === "<" && text.indexOf(">", at) > 0) at = text.indexOf(">", at);
    else if (text[at] === "`" && text.indexOf("`", at + 1) > 0) at = text.indexOf("`", at + 1);
    else if (text[at] === mark && !/\s/.test(text[at - 1]) && !WORD.test(text[at + 1] ?? " ")) return at;
  }
  return -1;
}

function codeAt(text, at) {
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1 || text.slice(at, end).includes("\n")) return null;
  return { node: h("code", {}, unescape(text.slice(at + 1, end))), next: end + 1 };
}

function tokenAt(text, at) {
  const end = text.indexOf(">", at);
  return end > at + 1
    ? { node: token(text.slice(at + 1, end), at === 0 || text[at - 1] === "\n"), next: end + 1 }
    : null;
}

function styledAt(text, at) {
  const end = closing(text, at);
  if (end < 0) return null;
  return { node: h(STYLES[text[at]], {}, inline(text.slice(at + 1, end))), next: end + 1 };
}

function emojiAt(text, at) {
  const match = /^:([a-z0-9_+-]+):/.exec(text.slice(at, at + 60));
  const node = match && emojiNamed(match[1]);
  return node ? { node, next: at + match[0].length } : null;
}

const READERS = {
  "`": codeAt,
  "<": tokenAt,
  "*": styledAt,
  _: styledAt,
  "~": styledAt,
  ":": emojiAt,
  "\n": (_, at) => ({ node: h("br"), next: at + 1 }),
};

/** One run of text without blocks (quotes, fences). */
export function inline(text) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(...withEmoji(unescape(plain)));
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const read = READERS[text[at]]?.(text, at);
    if (read) {
      flush();
      nodes.push(read.node);
      at = read.next;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

const QUOTE = /^(?:>|&gt;) ?/;

function lines(text) {
  const nodes = [];
  const rows = text.replace(/^\n|\n$/g, "").split("\n");
  for (let at = 0; at < rows.length;) {
    const quoted = QUOTE.test(rows[at]);
    const from = at;
    while (at < rows.length && QUOTE.test(rows[at]) === quoted) at += 1;
    const run = rows
      .slice(from, at)
      .map((row) => (quoted ? row.replace(QUOTE, "") : row))
      .join("\n");
    nodes.push(quoted ? h("blockquote", {}, inline(run)) : h("span", {}, inline(run)));
  }
  return nodes;
}

/** mrkdwn → nodes. */
export function mrkdwn(text) {
  return String(text ?? "")
    .split("```")
    .flatMap((piece, index, pieces) => {
      const closed = index % 2 === 1 && index < pieces.length - 1;
      if (closed) return [h("pre", { tabindex: "0" }, unescape(piece.replace(/^\n|\n$/g, "")))];
      const rest = index % 2 === 1 ? `\`\`\`${piece}` : piece;
      return rest === "" ? [] : lines(rest);
    });
}

/** A text object: mrkdwn is interpreted; plain_text is shown as it stands, emoji names apart. */
export function textObject(text) {
  if (!text) return [];
  if (typeof text === "string") return [text];
  if (text.type === "mrkdwn") return mrkdwn(text.text);
  return withEmoji(String(text.text ?? ""), text.emoji !== false);
}

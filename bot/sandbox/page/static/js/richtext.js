/** rich_text blocks: sections, lists, quotes, preformatted text. */

import { h } from "./dom.js";
import { emojiNamed } from "./emoji.js";
import { broadcast, channelPill, dateNode, link, mention } from "./mrkdwn.js";

const WRAPPERS = [
  ["code", "code"],
  ["strike", "s"],
  ["italic", "em"],
  ["bold", "strong"],
];

function styled(node, style) {
  return WRAPPERS.reduce((inner, [name, tag]) => (style?.[name] ? h(tag, {}, inner) : inner), node);
}

const LEAVES = {
  text: (el) => document.createTextNode(el.text ?? ""),
  link: (el) => link(el.url ?? "", el.text),
  user: (el) => mention(el.user_id),
  channel: (el) => channelPill(el.channel_id),
  broadcast: (el) => broadcast(el.range),
  usergroup: (el) => h("span", { class: "pill" }, `@${el.usergroup_id}`),
  emoji: (el) => emojiNamed(el.name) ?? document.createTextNode(`:${el.name}:`),
  date: (el) => dateNode(el.timestamp, el.format ?? "{date_pretty}", el.fallback ?? "", el.url),
};

const leaf = (el) => styled(LEAVES[el.type]?.(el) ?? document.createTextNode(""), el.style);

function list(el) {
  const tag = el.style === "ordered" ? "ol" : "ul";
  const items = (el.elements ?? []).map((item) => h("li", {}, (item.elements ?? []).map(leaf)));
  return h(
    tag,
    {
      class: "rich-list",
      data: { indent: el.indent ? String(el.indent) : null },
      start: el.offset ? el.offset + 1 : null,
    },
    items,
  );
}

const PARTS = {
  rich_text_section: (el) => h("div", { class: "rich-section" }, (el.elements ?? []).map(leaf)),
  rich_text_list: list,
  rich_text_quote: (el) => h("blockquote", {}, (el.elements ?? []).map(leaf)),
  rich_text_preformatted: (el) => h("pre", { tabindex: "0" }, (el.elements ?? []).map(leaf)),
};

export const richText = (block) =>
  h(
    "div",
    { class: "block rich-text" },
    (block.elements ?? []).map((el) => PARTS[el.type]?.(el)),
  );

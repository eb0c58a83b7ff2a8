/** Blocks to DOM, patched in place: a block that did not change keeps its node, its focus and its caret. */

import { arrange, h, uid } from "./dom.js";
import { drawElement, picture } from "./elements.js";
import { Field } from "./field.js";
import { textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { lastWithSecret, scanButton } from "./scan.js";

const draw = (surface, block, element, options) => drawElement(new Field(surface, block, element, options));

function section(block, surface) {
  const id = uid("text");
  const fields =
    block.fields?.length &&
    h(
      "div",
      { class: "fields" },
      block.fields.map((field) => h("div", { class: "mrkdwn" }, textObject(field))),
    );
  const accessory =
    block.accessory &&
    h(
      "div",
      { class: "accessory" },
      draw(surface, block, block.accessory, { labelledBy: block.accessory.type === "button" ? null : id }),
    );
  return h(
    "div",
    { class: "block section", data: { accessory: block.accessory?.type } },
    h(
      "div",
      { class: "section-text" },
      block.text && h("div", { class: "mrkdwn", id }, textObject(block.text)),
      fields,
    ),
    accessory,
  );
}

function context(block) {
  const parts = (block.elements ?? []).map((element) =>
    element.type === "image"
      ? picture(element.image_url, element.alt_text, "context-image")
      : h("span", { class: "mrkdwn" }, textObject(element)),
  );
  return h("div", { class: "block context" }, parts);
}

function input(block, surface) {
  const id = uid("input");
  const isGroup = ["checkboxes", "radio_buttons"].includes(block.element?.type);
  const described = `${block.hint ? `${id}-hint ` : ""}${id}-error`;
  const label = [textObject(block.label), block.optional && h("span", { class: "optional" }, " (optional)")];
  return h(
    "div",
    { class: "block input", data: { block: block.block_id } },
    isGroup
      ? h("div", { class: "label", id: `${id}-label` }, label)
      : h("label", { class: "label", for: id, id: `${id}-label` }, label),
    draw(surface, block, block.element, { id: isGroup ? null : id, labelledBy: `${id}-label`, describedBy: described }),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, textObject(block.hint)),
    h("p", { class: "field-error", id: `${id}-error`, role: "alert" }),
  );
}

function image(block) {
  const title = block.title && h("figcaption", {}, textObject(block.title));
  return h("figure", { class: "block image" }, title, picture(block.image_url, block.alt_text, "image-block"));
}

const BLOCKS = {
  header: (block) => h("div", { class: "block header", role: "heading", "aria-level": "3" }, textObject(block.text)),
  divider: () => h("hr", { class: "block divider" }),
  actions: (block, surface) =>
    h(
      "div",
      { class: "block actions" },
      (block.elements ?? []).map((element) => draw(surface, block, element)),
    ),
  rich_text: (block) => richText(block),
  section,
  context,
  input,
  image,
};

const drawBlock = (block, surface) =>
  BLOCKS[block.type]?.(block, surface) ??
  h("p", { class: "block unsupported" }, `This page cannot show a “${block.type}” block.`);

const drawn = new WeakMap();

/** Blocks get the ids that Slack would give to those without one. */
const identified = (blocks) =>
  (blocks ?? []).map((block, index) => (block.block_id ? block : { ...block, block_id: `block-${index}` }));

function focusMark(root) {
  const active = document.activeElement;
  const marked = root.contains(active) ? active.closest("[data-key]") : null;
  if (!marked) return null;
  return { key: marked.dataset.key, start: marked.selectionStart ?? null, end: marked.selectionEnd ?? null };
}

function refocus(root, mark) {
  if (!mark || root.contains(document.activeElement)) return;
  const next = root.querySelector(`[data-key="${CSS.escape(mark.key)}"]`);
  next?.focus({ preventScroll: true });
  if (mark.start !== null && next?.setSelectionRange) next.setSelectionRange(mark.start, mark.end);
}

/** Shows `blocks` in `root`; what was typed there before stays where block_id and action_id are the same. */
export function renderBlocks(root, blocks, surface, stored = null) {
  const wanted = identified(blocks);
  const before = drawn.get(root) ?? new Map();
  const after = new Map();
  const mark = focusMark(root);
  surface.take(wanted, stored);
  wanted.forEach((block, index) => {
    const json = JSON.stringify(block);
    const old = before.get(block.block_id);
    const key = after.has(block.block_id) ? `${block.block_id}#${index}` : block.block_id;
    after.set(key, old?.json === json && key === block.block_id ? old : { json, node: drawBlock(block, surface) });
  });
  drawn.set(root, after);
  const nodes = [...after.values()].map((entry) => entry.node);
  const scan = scanButton(wanted, root);
  if (scan) nodes.splice(lastWithSecret(wanted) + 1, 0, scan);
  arrange(root, nodes);
  refocus(root, mark);
}

/** Checkboxes and radio buttons. */

import { h, uid } from "./dom.js";
import { textObject } from "./mrkdwn.js";

function row(field, option, type, name, isChosen, changed) {
  const id = uid("choice");
  const more =
    option.description && h("span", { class: "option-more", id: `${id}-more` }, textObject(option.description));
  return h(
    "div",
    { class: "choice" },
    h("input", {
      type,
      id,
      name,
      checked: isChosen,
      value: option.value,
      "aria-describedby": more ? `${id}-more` : null,
      data: { key: `${field.key}/${option.value}` },
      on: { change: changed },
    }),
    h("label", { for: id }, h("span", {}, textObject(option.text)), more),
  );
}

function group(field, role, type, chosen, read) {
  const name = uid("choices");
  const node = h("div", { ...field.aria(), role, class: "choices" });
  const boxes = () => [...node.querySelectorAll("input")];
  const changed = async () => {
    const before = field.value;
    const picked = field.element.options.filter((_, index) => boxes()[index].checked);
    if (await field.change(read(picked))) return;
    const values = [before]
      .flat()
      .filter(Boolean)
      .map((option) => option.value);
    for (const box of boxes()) box.checked = values.includes(box.value);
  };
  const values = [chosen]
    .flat()
    .filter(Boolean)
    .map((option) => option.value);
  node.append(
    ...(field.element.options ?? []).map((option) =>
      row(field, option, type, name, values.includes(option.value), changed),
    ),
  );
  return node;
}

export const checkboxes = (field) => group(field, "group", "checkbox", field.value, (picked) => picked);

export const radioButtons = (field) => group(field, "radiogroup", "radio", field.value, (picked) => picked[0] ?? null);

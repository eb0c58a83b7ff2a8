/** Interactive elements: buttons, overflow menus, and a table of every element that the page draws. */

import { h, icon, spinner, emojiImage } from "./dom.js";
import { checkboxes, radioButtons } from "./choices.js";
import { confirmed } from "./field.js";
import { dateInput, textInput } from "./inputs.js";
import { textObject } from "./mrkdwn.js";
import { attachMenu } from "./popup.js";
import { selectElement } from "./selects.js";

async function whileBusy(node, work) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  const wheel = spinner();
  node.append(wheel);
  try {
    await work();
  } finally {
    node.removeAttribute("aria-busy");
    wheel.remove();
  }
}

function button(field) {
  const { element } = field;
  const press = async () => {
    if (node.getAttribute("aria-busy") === "true" || !(await confirmed(element))) return;
    if (/^https?:/i.test(element.url ?? "")) window.open(element.url, "_blank", "noopener,noreferrer");
    await whileBusy(node, () =>
      field.send({
        text: element.text,
        ...(element.value !== undefined && { value: element.value }),
        ...(element.style && { style: element.style }),
      }),
    );
  };
  const node = h(
    "button",
    {
      type: "button",
      class: `button ${element.style ?? ""}`,
      "aria-label": element.accessibility_label,
      data: { key: field.key },
      on: { click: press },
    },
    textObject(element.text),
    element.url && icon("newtab"),
  );
  return node;
}

function overflow(field) {
  const opener = h(
    "button",
    { type: "button", class: "button square", "aria-label": "More actions", data: { key: field.key } },
    icon("more"),
  );
  const pick = async (option) => {
    if (!(await confirmed(field.element))) return;
    if (/^https?:/i.test(option.url ?? "")) window.open(option.url, "_blank", "noopener,noreferrer");
    await whileBusy(opener, () => field.send({ selected_option: option }));
  };
  const holder = h("span", { class: "overflow" }, opener);
  attachMenu(opener, "More actions", (close) =>
    field.element.options.map((option) =>
      h(
        "button",
        {
          type: "button",
          role: "menuitem",
          tabindex: "-1",
          class: "menu-item",
          on: {
            click: () => {
              close(true);
              pick(option);
            },
          },
        },
        textObject(option.text),
      ),
    ),
  );
  return holder;
}

/** An image from a data: URL or this very server; anything else would reach the network, so its words stand instead. */
export function picture(source, alt, className) {
  const url = URL.canParse(source ?? "", location.href) ? new URL(source, location.href) : null;
  const isSafe = url?.origin === location.origin || /^data:image\//i.test(source ?? "");
  if (!isSafe)
    return h("span", { class: `${className} missing`, role: "img", "aria-label": alt }, emojiImage("link"), alt);
  return h("img", { class: className, src: source, alt });
}

const ELEMENTS = {
  button,
  overflow,
  checkboxes,
  radio_buttons: radioButtons,
  image: (field) => picture(field.element.image_url, field.element.alt_text, "thumb"),
};
for (const type of ["plain_text_input", "email_text_input", "url_text_input", "number_input"])
  ELEMENTS[type] = textInput;
for (const type of ["datepicker", "timepicker", "datetimepicker"]) ELEMENTS[type] = dateInput;
for (const base of ["static", "external", "users", "conversations", "channels"]) {
  ELEMENTS[`${base}_select`] = selectElement;
  ELEMENTS[`multi_${base}_select`] = selectElement;
}

export function drawElement(field) {
  const draw = ELEMENTS[field.element.type];
  return draw ? draw(field) : h("span", { class: "unsupported" }, `[${field.element.type}]`);
}

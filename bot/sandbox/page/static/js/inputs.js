/** Typed inputs: text, numbers, dates and times. */

import { h } from "./dom.js";
import { localInput } from "./dates.js";

const ALWAYS_COUNTED_FROM = 50;

function counter(element) {
  if (!element.max_length) return null;
  const node = h("span", { class: "counter", "aria-hidden": "true" });
  node.show = (text) => {
    const left = element.max_length - [...text].length;
    const near = element.max_length >= ALWAYS_COUNTED_FROM && left <= element.max_length / 5;
    node.textContent = near || left < 0 ? String(left) : "";
    node.classList.toggle("over", left < 0);
  };
  return node;
}

const triggers = (element) => element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 320)}px`;
}

function onEnter(field, event) {
  const { element } = field;
  const isEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing;
  if (!isEnter || !field.dispatches || !triggers(element).includes("on_enter_pressed")) return;
  event.preventDefault();
  field.send({ value: field.value });
}

/** plain_text_input, email_text_input, url_text_input, number_input. */
export function textInput(field) {
  const { element } = field;
  const count = counter(element);
  const typed = (event) => {
    const text = event.target.value;
    count?.show(text);
    if (element.multiline) grow(event.target);
    field.hold(text === "" ? null : text);
    if (field.dispatches && triggers(element).includes("on_character_entered")) field.send({ value: field.value });
  };
  const box = h(element.multiline ? "textarea" : "input", {
    ...field.aria(),
    class: "text-input",
    type: element.multiline ? null : "text",
    rows: element.multiline ? "3" : null,
    inputmode: element.type === "number_input" ? "decimal" : null,
    autocomplete: "off",
    spellcheck: element.multiline ? "true" : "false",
    autocapitalize: "off",
    placeholder: element.placeholder?.text,
    autofocus: element.focus_on_load === true,
    data: { key: field.key },
    value: field.value ?? "",
    on: { input: typed, keydown: (event) => onEnter(field, event) },
  });
  count?.show(box.value);
  return h("div", { class: "text-field" }, box, count);
}

const DATES = {
  datepicker: { type: "date", read: (value) => value, write: (text) => text },
  timepicker: { type: "time", read: (value) => value, write: (text) => text },
  datetimepicker: {
    type: "datetime-local",
    read: localInput,
    write: (text) => Math.floor(new Date(text).getTime() / 1000),
  },
};

/** datepicker, timepicker, datetimepicker: the browser's own pickers. */
export function dateInput(field) {
  const kind = DATES[field.element.type];
  const shown = () => (field.value === null || field.value === undefined ? "" : kind.read(field.value));
  const changed = async (event) => {
    const text = event.target.value;
    if (!(await field.change(text ? kind.write(text) : null))) event.target.value = shown();
  };
  return h("input", {
    ...field.aria(),
    class: "text-input date-input",
    type: kind.type,
    data: { key: field.key },
    value: shown(),
    on: { change: changed },
  });
}

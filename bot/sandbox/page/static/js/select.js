/** A combobox with a listbox (WAI-ARIA 1.2 pattern) for every kind of select, single or multiple. */

import { append, h, icon, iconButton, uid } from "./dom.js";
import { textObject } from "./mrkdwn.js";
import { showPopup } from "./popup.js";

const DEBOUNCE_MS = 250;

export const labelOf = (option) => option.text?.text ?? option.value;

export class Select {
  #options = [];
  #active = -1;
  #hide = null;
  #asked = 0;
  #timer = null;

  /**
   * `source(query)` resolves to {groups: [{label, options}]}, {hint} or {error}; `change(chosen)` to whether it holds.
   */
  constructor({ source, chosen, change, multiple = false, limit = null, optional = false, placeholder, aria, key }) {
    Object.assign(this, { source, chosen, change, multiple, limit, optional, placeholder });
    this.listId = uid("list");
    this.list = h("ul", {
      class: "popup listbox",
      role: "listbox",
      id: this.listId,
      popover: "manual",
      "aria-multiselectable": multiple ? "true" : null,
      "aria-label": "Options",
    });
    this.input = this.#box(key, aria);
    this.chips = h("span", { class: "chips" });
    this.clear = iconButton("close", "Clear", () => this.#clear(), {
      tabindex: "-1",
      class: "icon-button select-clear",
    });
    this.node = h(
      "div",
      { class: "select", data: { multiple } },
      this.chips,
      this.input,
      this.clear,
      icon("chevron"),
      this.list,
    );
    this.node.addEventListener("mousedown", (event) => this.#press(event));
    this.#show();
  }

  #box(key, aria) {
    return h("input", {
      type: "text",
      class: "select-input",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-expanded": "false",
      "aria-controls": this.listId,
      "aria-autocomplete": "list",
      data: { key },
      ...aria,
      on: {
        click: () => this.open(),
        input: () => this.#typed(),
        keydown: (event) => this.#keys(event),
        blur: () => this.close(),
      },
    });
  }

  #press(event) {
    const option = event.target.closest("[role=option]");
    if (event.target !== this.input) event.preventDefault();
    if (option) this.#pick(this.#options[Number(option.dataset.index)]);
    else if (!event.target.closest("button, .popup")) {
      this.input.focus();
      this.open();
    }
  }

  #show() {
    const single = this.multiple ? null : this.chosen[0];
    this.input.value = single ? labelOf(single) : "";
    this.input.placeholder = this.multiple && this.chosen.length ? "" : this.placeholder;
    this.clear.hidden = this.multiple || !single || !this.optional;
    this.chips.replaceChildren(
      ...(this.multiple ? this.chosen : []).map((option) =>
        h(
          "span",
          { class: "chip" },
          labelOf(option),
          iconButton("close", `Remove ${labelOf(option)}`, () => this.#toggle(option)),
        ),
      ),
    );
  }

  open() {
    if (this.#hide) return;
    this.#hide = showPopup(this.list, this.node, () => this.close());
    this.input.setAttribute("aria-expanded", "true");
    if (!this.multiple) this.input.select();
    this.#load("");
  }

  close() {
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.#hide?.();
    this.#hide = null;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.#show();
  }

  #typed() {
    this.open();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(this.input.value.trim()), this.source.remote ? DEBOUNCE_MS : 0);
  }

  async #load(query) {
    this.#asked += 1;
    const mine = this.#asked;
    if (this.source.remote) this.#note("Loading…");
    const found = await this.source(query);
    if (mine !== this.#asked || !this.#hide) return;
    if (found.error || found.hint) this.#note(found.error ?? found.hint, Boolean(found.error));
    else this.#fill(found.groups);
  }

  #note(text, isError = false) {
    this.#options = [];
    this.#active = -1;
    this.list.replaceChildren(
      h("li", { class: isError ? "list-note error" : "list-note", role: "presentation" }, text),
    );
  }

  #fill(groups) {
    this.#options = groups.flatMap((group) => group.options);
    if (this.#options.length === 0) return void this.#note("No results");
    this.list.replaceChildren();
    let index = 0;
    for (const group of groups) {
      if (group.label && group.options.length)
        this.list.append(h("li", { class: "list-group", role: "presentation" }, group.label));
      for (const option of group.options) this.list.append(this.#row(option, index++));
    }
    this.#activate(
      Math.max(
        0,
        this.#options.findIndex((option) => this.#isChosen(option)),
      ),
    );
  }

  #row(option, index) {
    const row = h("li", {
      role: "option",
      id: `${this.listId}-${index}`,
      "aria-selected": String(this.#isChosen(option)),
      data: { index: String(index), value: option.value },
    });
    append(row, [
      h("span", { class: "option-label" }, textObject(option.text)),
      option.description && h("span", { class: "option-more" }, textObject(option.description)),
      icon("check"),
    ]);
    return row;
  }

  #isChosen(option) {
    return this.chosen.some((one) => one.value === option.value);
  }

  #activate(index) {
    this.#active = index;
    const rows = this.list.querySelectorAll("[role=option]");
    rows.forEach((row, at) => row.classList.toggle("active", at === index));
    rows[index]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", rows[index]?.id ?? "");
  }

  #keys(event) {
    const isOpen = this.#hide !== null;
    const count = this.#options.length;
    const moves = { ArrowDown: this.#active + 1, ArrowUp: this.#active - 1 };
    if (event.key in moves) {
      if (!isOpen) this.open();
      else if (count) this.#activate((moves[event.key] + count) % count);
    } else if (event.key === "Enter" && isOpen) this.#pick(this.#options[this.#active]);
    else if (event.key === "Enter") this.open();
    else if (event.key === "Escape" && isOpen) this.close();
    else if (event.key === "Backspace" && this.multiple && !this.input.value && this.chosen.length)
      this.#toggle(this.chosen.at(-1));
    else return;
    event.preventDefault();
  }

  #pick(option) {
    if (!option) return;
    if (this.multiple) this.#toggle(option);
    else this.#set([option]);
  }

  #toggle(option) {
    const rest = this.chosen.filter((one) => one.value !== option.value);
    const adds = rest.length === this.chosen.length;
    if (adds && this.limit && rest.length >= this.limit) return void this.#note(`Choose at most ${this.limit}.`);
    this.#set(adds ? [...rest, option] : rest);
  }

  #clear() {
    this.#set([]);
    this.input.focus();
  }

  async #set(chosen) {
    const before = this.chosen;
    this.chosen = chosen;
    this.close();
    if (!(await this.change(chosen))) {
      this.chosen = before;
      this.#show();
    }
  }
}

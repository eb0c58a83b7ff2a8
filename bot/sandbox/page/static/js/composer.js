/** Where messages and /commands are typed. */

import { h, icon, iconButton, spinner, uid } from "./dom.js";
import { post } from "./api.js";
import { showPopup } from "./popup.js";
import { failure } from "./toast.js";

const COMMANDS = [
  ["/prodaccess", "ask for access in a form"],
  ["/prodaccess help", "what can be typed"],
  ["/prodaccess why", "what would become of a request, and why"],
  ["/prodaccess status", "your requests and grants"],
  ["/prodaccess enrol", "set up your authenticator"],
  ["/prodaccess release", "you are done: give access back early"],
  ["/prodaccess revoke", "stop somebody's access now"],
  ["/prodaccess history", "what happened before"],
];
const USAGE = "or in one line: /prodaccess <role> <account> bucket=… 2h TICKET-1 why";

const commandFailed = (command, error) =>
  error === "unknown command" || error === "unknown_command"
    ? `${command} is not a valid command.`
    : `${command} failed with the error "${error}"`;

export class Composer {
  #active = -1;
  #hide = null;
  #history = [];
  #back = 0;

  constructor() {
    this.listId = uid("commands");
    this.list = h("ul", {
      class: "popup listbox commands",
      role: "listbox",
      id: this.listId,
      popover: "manual",
      "aria-label": "Commands",
    });
    this.box = h("textarea", {
      rows: "1",
      id: "composer",
      role: "combobox",
      "aria-controls": this.listId,
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      autocomplete: "off",
      on: { input: () => this.#typed(), keydown: (event) => this.#keys(event), blur: () => this.#close() },
    });
    this.send = iconButton("send", "Send", () => this.submit(), { class: "icon-button send" });
    this.hint = h(
      "p",
      { class: "composer-hint" },
      h("kbd", {}, "/"),
      " for commands, ",
      h("kbd", {}, "Enter"),
      " sends, ",
      h("kbd", {}, "Shift+Enter"),
      " new line",
    );
    this.node = h(
      "form",
      { class: "composer", on: { submit: (event) => event.preventDefault() } },
      h("div", { class: "composer-box" }, this.box, this.send, this.list),
      this.hint,
    );
    this.list.addEventListener("mousedown", (event) => this.#press(event));
  }

  /** Turns to a channel; what was typed for another one is kept for it. */
  turnTo(channel, label) {
    this.drafts ??= new Map();
    if (this.channel) this.drafts.set(this.channel, this.box.value);
    this.channel = channel;
    this.box.value = this.drafts.get(channel) ?? "";
    this.box.placeholder = `Message ${label}`;
    this.box.setAttribute("aria-label", `Message ${label}`);
    this.#grow();
  }

  #grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 180)}px`;
  }

  #typed() {
    this.#grow();
    const text = this.box.value;
    const found = text.startsWith("/")
      ? COMMANDS.filter(([command]) => command.startsWith(text.trimEnd()) || text === "/")
      : [];
    if (found.length === 0 || found.some(([command]) => command === text && command.includes(" ")))
      return void this.#close();
    this.#active = text.includes(" ") || text === "/prodaccess" ? -1 : 0;
    this.list.replaceChildren(
      ...found.map(([command, what], index) =>
        h(
          "li",
          { role: "option", id: `${this.listId}-${index}`, "aria-selected": "false", data: { command } },
          h("span", { class: "option-label" }, command),
          h("span", { class: "option-more" }, what),
        ),
      ),
      h("li", { class: "list-note", role: "presentation" }, USAGE),
    );
    this.#hide ??= showPopup(this.list, this.box.parentElement, () => this.#close());
    this.box.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #rows() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  #mark() {
    this.#rows().forEach((row, index) => {
      row.classList.toggle("active", index === this.#active);
      row.setAttribute("aria-selected", String(index === this.#active));
    });
    this.box.setAttribute("aria-activedescendant", this.#rows()[this.#active]?.id ?? "");
  }

  #close() {
    this.#hide?.();
    this.#hide = null;
    this.box.setAttribute("aria-expanded", "false");
  }

  #press(event) {
    event.preventDefault();
    const row = event.target.closest("[role=option]");
    if (row) this.#complete(row);
  }

  #complete(row) {
    this.box.value = row.dataset.command;
    this.#typed();
    this.#close();
  }

  #keys(event) {
    const rows = this.#hide ? this.#rows() : [];
    const chosen = rows[this.#active];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && rows.length) {
      this.#active = (Math.max(this.#active, step > 0 ? -1 : 0) + step + rows.length) % rows.length;
      this.#mark();
    } else if (step && (this.box.value === "" || this.#back > 0)) this.#recall(step);
    else if (event.key === "Escape" && this.#hide) this.#close();
    else if (chosen && (event.key === "Tab" || (event.key === "Enter" && chosen.dataset.command !== this.box.value)))
      this.#complete(chosen);
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit();
    else return;
    event.preventDefault();
  }

  #recall(step) {
    this.#back = Math.max(0, Math.min(this.#history.length, this.#back - step));
    this.box.value = this.#back ? this.#history.at(-this.#back) : "";
    this.#grow();
  }

  async submit() {
    const text = this.box.value.trim();
    if (!text || this.send.disabled) return;
    this.#close();
    this.send.disabled = true;
    this.send.replaceChildren(spinner());
    const startedAt = Date.now();
    const isCommand = text.startsWith("/");
    const channel = this.channel;
    const answer = await post(isCommand ? "/ui/command" : "/ui/send", { channel, text });
    this.send.disabled = false;
    this.send.replaceChildren(icon("send"));
    if (answer.ok) this.#sent(channel, text);
    else
      failure(
        answer.error,
        startedAt,
        isCommand && answer.error !== "connection_failed"
          ? commandFailed(text.split(/\s/)[0], answer.error)
          : undefined,
      );
  }

  #sent(channel, text) {
    this.#history.push(text);
    this.#back = 0;
    if (this.channel !== channel) return void this.drafts.delete(channel);
    if (this.box.value.trim() === text) this.box.value = "";
    this.#grow();
  }
}

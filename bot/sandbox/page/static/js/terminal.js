/** A few fixed AWS calls, run with the person's own keys: allowed or denied, in plain sight. */

import { h, icon } from "./dom.js";
import { get, inWords, post } from "./api.js";
import { clockWithSeconds } from "./dates.js";
import { me, state } from "./store.js";

const REPEAT_MS = 2000;
const LONGEST_SCROLLBACK = 40;
const TICKS = 40;
const BADGES = { allowed: "ALLOWED", denied: "ACCESS DENIED", error: "ERROR" };

const path = (rest = "") => `/terminal/${encodeURIComponent(state.me)}${rest}`;

/** Word by word, so that a line is not broken within an option. */
const words = (command) => command.split(" ").flatMap((word) => [h("span", { class: "word" }, word), " "]);

class Terminal {
  #entries = [];
  #ticks = [];
  #last = null;
  #timer = null;
  #running = false;

  constructor(root) {
    this.key = `prodaccess.terminal.${state.me}`;
    this.calls = h("ul", { class: "calls" });
    this.strip = h("div", { class: "ticks", role: "img", "aria-label": "No runs yet" });
    this.output = h("ol", { class: "scrollback", tabindex: "0", role: "log", "aria-label": "Terminal output" });
    this.repeat = h("input", { type: "checkbox", id: "terminal-repeat", on: { change: () => this.#plan() } });
    const clear = h("button", { type: "button", class: "link-button", on: { click: () => this.#clear() } }, "Clear");
    this.bar = h(
      "div",
      { class: "terminal-bar" },
      h("span", { class: "toggle" }, this.repeat, h("label", { for: "terminal-repeat" }, "Repeat every 2 s")),
      this.strip,
      clear,
    );
    root.append(
      h(
        "h2",
        { class: "tool-title" },
        icon("terminal"),
        "Terminal",
        h("span", { class: "tool-owner" }, `${me().real_name ?? me().name}'s AWS keys`),
      ),
      this.calls,
      this.bar,
      this.output,
    );
    this.#restore();
    // Its room is known only once the calls are there, and where it stands behind a tab once that is opened.
    new ResizeObserver(() => this.#showLast()).observe(this.output);
    this.load();
  }

  async load() {
    const answer = await get(path());
    if (!answer.ok) return void this.calls.replaceChildren(h("li", { class: "tool-note" }, inWords(answer.error)));
    const rows = (answer.calls ?? []).map((call) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: "call",
            data: { call: call.id },
            title: call.command,
            on: { click: () => this.run(call.id) },
          },
          icon("play"),
          h(
            "span",
            { class: "call-text" },
            h("span", { class: "call-title" }, call.title),
            h("code", {}, call.command),
          ),
        ),
      ),
    );
    this.calls.replaceChildren(
      ...(rows.length ? rows : [h("li", { class: "tool-note" }, "No AWS keys: there is nothing to run.")]),
    );
    this.bar.hidden = this.output.hidden = rows.length === 0;
  }

  async run(id) {
    if (this.#running) return;
    this.#running = true;
    this.#last = id;
    const button = this.calls.querySelector(`[data-call="${CSS.escape(id)}"]`);
    for (const other of this.calls.querySelectorAll(".call")) other.toggleAttribute("data-last", other === button);
    button?.setAttribute("aria-busy", "true");
    const answer = await post(path(`/${encodeURIComponent(id)}`));
    button?.removeAttribute("aria-busy");
    this.#running = false;
    this.#took(id, answer.ok ? answer : { outcome: "error", command: id, output: inWords(answer.error), at: null });
    this.#plan();
  }

  #took(id, { outcome, command, output, at }) {
    const when = at ? new Date(typeof at === "number" ? at * 1000 : at) : new Date();
    const time = clockWithSeconds(Number.isNaN(when.getTime()) ? new Date() : when);
    const last = this.#entries.at(-1);
    if (last && last.id === id && last.outcome === outcome && last.output === output) {
      last.count += 1;
      last.until = time;
    } else this.#entries.push({ id, outcome, command, output: String(output ?? ""), time, until: time, count: 1 });
    this.#entries = this.#entries.slice(-LONGEST_SCROLLBACK);
    this.#ticks = [...this.#ticks, outcome].slice(-TICKS);
    this.#draw();
    sessionStorage.setItem(this.key, JSON.stringify({ entries: this.#entries, ticks: this.#ticks }));
  }

  #entry({ outcome, command, output, time, until, count }) {
    const when = count > 1 ? `${time} – ${until} (${count} times)` : time;
    return h(
      "li",
      { class: "run", data: { outcome } },
      h("p", { class: "run-command" }, h("span", { class: "prompt", "aria-hidden": "true" }, "$ "), ...words(command)),
      h(
        "p",
        { class: "run-result" },
        h("span", { class: `outcome ${outcome}` }, BADGES[outcome] ?? outcome),
        h("time", {}, when),
      ),
      output && h("pre", {}, output),
    );
  }

  #draw() {
    const rows = this.#entries.map((entry) => this.#entry(entry));
    if (rows.length === 0)
      rows.push(h("li", { class: "tool-note" }, "Run something above: without access it is denied."));
    this.output.replaceChildren(...rows);
    this.#showLast();
    this.strip.replaceChildren(...this.#ticks.map((outcome) => h("i", { class: outcome })));
    this.strip.setAttribute(
      "aria-label",
      this.#ticks.length ? `Last run: ${BADGES[this.#ticks.at(-1)] ?? "unknown"}` : "No runs yet",
    );
  }

  /** The newest run from its first line on, also where it is longer than the window. */
  #showLast() {
    const [box, last] = [this.output, this.output.lastElementChild].map((node) => node.getBoundingClientRect().top);
    this.output.scrollTop += last - box - 10;
  }

  #restore() {
    const saved = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
    this.#entries = saved?.entries ?? [];
    this.#ticks = saved?.ticks ?? [];
    this.#draw();
  }

  #clear() {
    this.#entries = [];
    this.#ticks = [];
    sessionStorage.removeItem(this.key);
    this.#draw();
  }

  #plan() {
    clearTimeout(this.#timer);
    if (!this.repeat.checked) return;
    const next = this.#last ?? this.calls.querySelector(".call")?.dataset.call;
    if (next) this.#timer = setTimeout(() => this.run(next), REPEAT_MS);
  }
}

export const keepTerminal = () => new Terminal(document.getElementById("terminal"));

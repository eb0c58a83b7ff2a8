/** The person's authenticator app, in a small device frame. */

import { copyText, h, icon, iconButton, replace, svg } from "./dom.js";
import { get, inWords, remove } from "./api.js";
import { clock } from "./dates.js";
import { ask } from "./overlay.js";
import { addToPhone } from "./scan.js";
import { me, on, state } from "./store.js";

const PERIOD_SECONDS = 30;
const RING = 2 * Math.PI * 9;

const path = () => `/phone/${encodeURIComponent(state.me)}`;

function ring() {
  const arc = svg("circle", { cx: 12, cy: 12, r: 9, class: "ring-arc", "stroke-dasharray": String(RING) });
  const node = svg(
    "svg",
    { viewBox: "0 0 24 24", class: "ring", "aria-hidden": "true" },
    svg("circle", { cx: 12, cy: 12, r: 9, class: "ring-track" }),
    arc,
  );
  return {
    node,
    turn: (left) =>
      arc.setAttribute("stroke-dashoffset", String(RING * (1 - Math.max(0, Math.min(1, left / PERIOD_SECONDS))))),
  };
}

const spaced = (code) => (code.length === 6 ? `${code.slice(0, 3)} ${code.slice(3)}` : code);

class Phone {
  #until = 0;
  #rows = [];

  constructor(root) {
    this.screen = h("div", { class: "phone-screen" });
    this.time = h("span", { class: "phone-clock" });
    this.forget = iconButton("trash", "Wipe this phone", () => this.#forget());
    const owner = h("span", { class: "tool-owner" }, me().real_name ?? me().name);
    const ear = h("span", { class: "device-ear" });
    root.append(
      h("h2", { class: "tool-title" }, icon("phone"), "Phone", owner, this.forget),
      h(
        "div",
        { class: "device" },
        h("div", { class: "device-top" }, this.time, ear, h("span", {}, "Authenticator")),
        this.screen,
        this.#form(),
      ),
    );
    root.addEventListener("animationend", () => root.classList.remove("rang"));
    setInterval(() => this.#tick(), 500);
    on("phone-changed", () => this.load());
    addEventListener("focus", () => this.load());
    this.load();
  }

  #form() {
    this.box = h("input", {
      type: "text",
      class: "text-input",
      id: "phone-secret",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "otpauth://…",
    });
    this.error = h("p", { class: "field-error", role: "alert" });
    return h(
      "form",
      { class: "phone-add", on: { submit: (event) => this.#add(event) } },
      h("label", { for: "phone-secret" }, "Paste a link or secret"),
      h("div", { class: "row" }, this.box, h("button", { type: "submit", class: "button small" }, "Add")),
      this.error,
    );
  }

  async load() {
    const answer = await get(path());
    if (!answer.ok) return this.#say("No answer", inWords(answer.error));
    const tokens = answer.tokens ?? [];
    this.#until = tokens.length
      ? Date.now() + Math.max(0, Math.min(...tokens.map((token) => token.seconds_left))) * 1000
      : 0;
    this.forget.hidden = tokens.length === 0;
    if (tokens.length === 0)
      return this.#say("No codes yet", "Enrol with /prodaccess enrol, then press “Scan with phone”.");
    this.#draw(tokens);
    return this.#tick();
  }

  #say(title, text) {
    this.#rows = [];
    replace(this.screen, h("div", { class: "phone-empty" }, icon("scan"), h("strong", {}, title), h("p", {}, text)));
  }

  #draw(tokens) {
    const names = JSON.stringify(tokens.map((token) => [token.issuer, token.label]));
    if (names !== this.names || this.#rows.length === 0) {
      this.names = names;
      this.#rows = tokens.map((token) => this.#row(token));
      this.screen.replaceChildren(...this.#rows.map((row) => row.node));
    }
    tokens.forEach((token, index) => this.#rows[index].show(token));
  }

  #row(token) {
    const wheel = ring();
    const code = h("output", { class: "code" });
    const left = h("span", { class: "left" });
    const copy = h("button", { type: "button", class: "button small copy" }, icon("copy"), h("span", {}, "Copy code"));
    let digits = "";
    copy.addEventListener("click", async () => {
      const words = copy.querySelector("span");
      words.textContent = (await copyText(digits)) ? "Copied" : "Press Ctrl+C";
      if (words.textContent !== "Copied") getSelection().selectAllChildren(code);
      setTimeout(() => words.replaceChildren("Copy code"), 1600);
    });
    return {
      node: h(
        "div",
        { class: "token" },
        h("p", { class: "token-name" }, h("strong", {}, token.issuer || "Code"), " ", token.label),
        h("div", { class: "token-line" }, code, h("span", { class: "countdown" }, wheel.node, left)),
        copy,
      ),
      show: (now) => {
        digits = now.code;
        code.textContent = spaced(now.code);
      },
      turn: (seconds) => {
        wheel.turn(seconds);
        left.textContent = String(Math.ceil(seconds));
        wheel.node.classList.toggle("soon", seconds <= 5);
      },
    };
  }

  #tick() {
    this.time.textContent = clock(new Date());
    if (!this.#rows.length) return;
    const left = (this.#until - Date.now()) / 1000;
    for (const row of this.#rows) row.turn(Math.max(0, left));
    if (left > 0) return;
    this.#until = Date.now() + 2000;
    this.load();
  }

  async #add(event) {
    event.preventDefault();
    const secret = this.box.value.trim();
    if (!secret) return void (this.error.textContent = "Paste the otpauth:// link or the secret that the app shows.");
    const failed = await addToPhone(secret);
    this.error.textContent = failed ?? "";
    if (!failed) this.box.value = "";
  }

  async #forget() {
    const agreed = await ask({
      title: "Wipe this phone?",
      body: "The phone forgets its secrets, as if it had been lost. The app then has to enrol this person again.",
      confirm: "Wipe",
      deny: "Keep",
      danger: true,
    });
    if (!agreed) return;
    await remove(path());
    await this.load();
  }
}

export const keepPhone = () => new Phone(document.getElementById("phone"));

/** The middle: a head with the place's name, the app's tabs, and a conversation or the Home tab. */

import { h, icon, iconButton } from "./dom.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { hintStrip } from "./hints.js";
import { Home } from "./home.js";
import { setDrawer } from "./place.js";
import { HOME, botChannel, channelOf, emit, on, state } from "./store.js";

function tabKeys(event) {
  const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
}

export class Shell {
  /** `go(place)` is called when a tab leads to another place. */
  constructor(go) {
    this.go = go;
    this.conversation = new Conversation();
    this.composer = new Composer();
    this.home = new Home();
    this.title = h("h1", { class: "place-title" });
    this.topic = h("p", { class: "place-topic" });
    this.tabs = h("div", { class: "app-tabs", role: "tablist", "aria-label": "App", on: { keydown: tabKeys } });
    this.panel = h("div", { class: "place", id: "place-panel" });
    this.offline = h("p", { class: "offline", role: "status" }, "Reconnecting…");
    document.getElementById("main").replaceChildren(
      h(
        "header",
        { class: "main-head" },
        iconButton("menu", "Open the menu", () => setDrawer(true), { class: "icon-button drawer-open" }),
        h("div", { class: "place-text" }, this.title, this.topic),
        this.tabs,
        this.offline,
      ),
      ...[hintStrip()].filter(Boolean),
      this.panel,
    );
    on("message", (event) => this.conversation.event(event));
    on("caught-up", () => state.place !== HOME && this.conversation.load(state.place));
    on("channels", () => this.#head());
  }

  show(place) {
    state.place = place;
    this.#head();
    if (place === HOME) {
      this.panel.replaceChildren(this.home.node);
      this.home.open();
    } else {
      this.panel.replaceChildren(this.conversation.node, this.composer.node);
      this.composer.turnTo(place, this.#label(place));
      this.conversation.load(place, true);
    }
    emit("place", place);
  }

  #label(place) {
    const channel = channelOf(place);
    return channel?.kind === "dm" ? channel.name : `#${channel?.name ?? ""}`;
  }

  #head() {
    const { place } = state;
    const channel = channelOf(place);
    const bot = botChannel();
    const isApp = place === HOME || (bot !== null && place === bot.id);
    this.title.replaceChildren(
      icon(isApp ? "app" : channel?.kind === "dm" ? "chat" : "hash"),
      isApp ? state.app.name : (channel?.name ?? ""),
    );
    this.topic.textContent = isApp ? "" : (channel?.topic ?? "");
    this.tabs.hidden = !isApp;
    this.panel.setAttribute("role", isApp ? "tabpanel" : "presentation");
    if (isApp) this.#drawTabs(place, bot);
  }

  #drawTabs(place, bot) {
    const hadFocus = this.tabs.contains(document.activeElement);
    const tab = (id, label) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          "aria-selected": String(place === id),
          "aria-controls": "place-panel",
          tabindex: place === id ? "0" : "-1",
          on: { click: () => this.go(id) },
        },
        label,
      );
    this.tabs.replaceChildren(tab(HOME, "Home"), ...(bot ? [tab(bot.id, "Messages")] : []));
    if (hadFocus) this.tabs.querySelector("[aria-selected=true]")?.focus();
  }
}

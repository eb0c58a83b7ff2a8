/** The app's Home tab. */

import { h, icon } from "./dom.js";
import { inWords, post } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { on, state } from "./store.js";
import { Surface } from "./surface.js";

export class Home {
  constructor() {
    this.surface = new Surface({ kind: "home" });
    this.blocks = h("div", { class: "home-blocks" });
    this.empty = h(
      "div",
      { class: "empty" },
      icon("app"),
      h("h2", {}, "Nothing here yet"),
      h("p", {}, "The app fills this tab as soon as it has been told that you opened it."),
    );
    this.node = h(
      "div",
      { class: "home scroller", tabindex: "0", role: "region", "aria-label": "Home" },
      this.empty,
      this.blocks,
    );
    on("home", () => this.draw());
    this.draw();
  }

  async open() {
    const answer = await post("/ui/open_home");
    if (!answer.ok) this.empty.querySelector("p").textContent = inWords(answer.error);
  }

  draw() {
    this.empty.hidden = state.home !== null;
    renderBlocks(this.blocks, state.home?.blocks ?? [], this.surface, state.home?.state);
  }
}

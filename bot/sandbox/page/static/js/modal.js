/** The modal stack. Each view keeps its own dialog, so that what was typed below is there again after a push. */

import { h, iconButton, spinner, uid } from "./dom.js";
import { post } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { textObject } from "./mrkdwn.js";
import { openLayer } from "./overlay.js";
import { on, refresh, state } from "./store.js";
import { Surface } from "./surface.js";

export const TROUBLE = "We had some trouble connecting. Try again?";

class Modal {
  constructor(view, depth) {
    this.depth = depth;
    this.surface = new Surface({ kind: "modal", view_id: view.id }, () => this.#banner(TROUBLE));
    const titleId = uid("modal");
    this.title = h("h2", { id: titleId });
    this.body = h("div", { class: "dialog-body" });
    this.banner = h("p", { class: "banner", role: "alert", hidden: true });
    this.cancel = h("button", { type: "button", class: "button", on: { click: () => this.#leave(false) } });
    this.submit = h("button", { type: "submit", class: "button primary solid" });
    const back = depth > 0 && iconButton("back", "Back", () => this.#leave(false));
    this.node = h(
      "form",
      {
        class: "dialog modal",
        role: "dialog",
        "aria-labelledby": titleId,
        novalidate: true,
        data: { view: view.id },
        on: { submit: (event) => this.#send(event) },
      },
      h(
        "header",
        { class: "dialog-head" },
        back,
        this.title,
        iconButton("close", "Close", () => this.#leave(true)),
      ),
      this.banner,
      this.body,
      h("footer", { class: "dialog-foot" }, this.cancel, this.submit),
    );
    this.take(view);
    this.close = openLayer(
      this.node,
      () => this.#leave(false),
      () => this.#firstStop(),
    );
    this.onField = ({ detail }) => detail.surface === this.surface && this.#clearError(detail.blockId);
    document.addEventListener("field-changed", this.onField);
  }

  #firstStop() {
    return (
      this.body.querySelector("[autofocus]") ??
      this.body.querySelector("input:not([type=hidden]), textarea") ??
      (this.submit.hidden ? this.cancel : this.submit)
    );
  }

  take(view) {
    const json = JSON.stringify({ ...view, state: null });
    if (json === this.json) return;
    this.json = json;
    this.view = view;
    this.title.replaceChildren(...textObject(view.title));
    this.cancel.replaceChildren(...(view.close ? textObject(view.close) : ["Cancel"]));
    this.submit.hidden = !view.submit && !view.blocks.some((block) => block.type === "input");
    this.submit.replaceChildren(...(view.submit ? textObject(view.submit) : ["Submit"]));
    this.#banner(null);
    this.showErrors({});
    renderBlocks(this.body, view.blocks, this.surface, view.state);
  }

  #banner(text) {
    this.banner.textContent = text ?? "";
    this.banner.hidden = !text;
  }

  #clearError(blockId) {
    const field = this.body.querySelector(`[data-block="${CSS.escape(blockId)}"]`);
    if (field) this.#mark(field, null);
  }

  #mark(field, text) {
    field.toggleAttribute("data-invalid", Boolean(text));
    field.querySelector(".field-error").textContent = text ?? "";
    const control = field.querySelector("[aria-describedby]");
    if (text) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  }

  showErrors(errors) {
    const homeless = new Map(Object.entries(errors));
    let first = null;
    for (const field of this.body.querySelectorAll("[data-block]")) {
      const text = errors[field.dataset.block];
      this.#mark(field, text);
      homeless.delete(field.dataset.block);
      if (text) first ??= field;
    }
    if (homeless.size) this.#banner([...homeless.values()].join(" "));
    first?.querySelector("input, textarea, button")?.focus();
  }

  #busy(isBusy) {
    this.submit.setAttribute("aria-busy", String(isBusy));
    this.submit.disabled = isBusy;
    if (isBusy) this.submit.append(spinner());
    else this.submit.querySelector(".spinner")?.remove();
  }

  async #send(event) {
    event.preventDefault();
    if (this.submit.disabled || this.submit.hidden) return;
    this.#banner(null);
    const invalid = this.surface.invalid();
    this.showErrors(invalid);
    if (Object.keys(invalid).length) return;
    this.#busy(true);
    const answer = await post("/ui/submit", { view_id: this.view.id, state: this.surface.state() });
    this.#busy(false);
    if (!answer.ok) this.#banner(TROUBLE);
    else if (answer.action === "errors") this.showErrors(answer.errors ?? {});
    else await refresh();
  }

  async #leave(everything) {
    const answer = await post("/ui/close", { view_id: this.view.id, cleared: everything && this.depth > 0 });
    if (!answer.ok) this.#banner(TROUBLE);
    else await refresh();
  }

  gone() {
    document.removeEventListener("field-changed", this.onField);
    this.close();
  }
}

/** Keeps the dialogs equal to the server's stack. */
export function keepModals() {
  const open = new Map();
  on("modals", () => {
    const wanted = new Set(state.modals.map((view) => view.id));
    for (const [id, modal] of [...open].reverse()) {
      if (wanted.has(id)) continue;
      open.delete(id);
      modal.gone();
    }
    state.modals.forEach((view, depth) => {
      if (open.has(view.id)) open.get(view.id).take(view);
      else open.set(view.id, new Modal(view, depth));
    });
  });
}

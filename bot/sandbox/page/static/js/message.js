/** One message: who, when, what; updated in place when the app changes it. */

import { avatar, h, icon } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { clock, fromTs } from "./dates.js";
import { mrkdwn } from "./mrkdwn.js";
import { Surface } from "./surface.js";
import { scanButton } from "./scan.js";

function head(message, name) {
  const sent = fromTs(message.ts);
  return h(
    "div",
    { class: "message-head" },
    h("span", { class: "author" }, name),
    message.bot && h("span", { class: "badge" }, "App"),
    h("time", { datetime: sent.toISOString(), title: sent.toLocaleString() }, clock(sent)),
  );
}

export class MessageView {
  constructor(channel, message) {
    this.surface = new Surface({ kind: "message", channel, ts: message.ts });
    this.content = h("div", { class: "content" });
    this.note = h("p", { class: "only-you" }, icon("eye"), "Only visible to you");
    this.edited = h("span", { class: "edited" }, "(edited)");
    this.repliesTitle = h("p", { class: "replies-title" });
    this.replies = h("ol", { class: "replies", "aria-label": "Replies" });
    const author = message.author ?? { name: message.user, initials: "?" };
    this.node = h(
      "li",
      { class: "message", data: { ts: message.ts, ephemeral: message.ephemeral, bot: message.bot } },
      avatar(author),
      h(
        "div",
        { class: "message-body" },
        head(message, author.name),
        this.note,
        this.content,
        this.edited,
        this.repliesTitle,
        this.replies,
      ),
    );
    this.node.addEventListener("animationend", () => this.node.classList.remove("changed"));
    this.take(message);
  }

  /** Shows the message as it is now; a change to one already shown is pointed out. */
  take(message) {
    const json = JSON.stringify(message);
    if (json === this.json) return;
    const isChange = this.json !== undefined && JSON.stringify([message.text, message.blocks]) !== this.shown;
    this.json = json;
    this.message = message;
    this.shown = JSON.stringify([message.text, message.blocks]);
    this.note.hidden = !message.ephemeral;
    this.edited.hidden = !message.edited;
    this.#fill();
    if (isChange) this.node.classList.add("changed");
  }

  #fill() {
    const { blocks, text } = this.message;
    const hasBlocks = Array.isArray(blocks) && blocks.length > 0;
    this.content.classList.toggle("card", hasBlocks);
    if (hasBlocks) renderBlocks(this.content, blocks, this.surface);
    else {
      const scan = this.message.bot ? scanButton([{ text }], this.content) : null;
      this.content.replaceChildren(h("div", { class: "mrkdwn" }, mrkdwn(text)), ...(scan ? [scan] : []));
    }
  }

  setReplies(views) {
    const count = Math.max(views.length, this.message.reply_count ?? 0);
    this.repliesTitle.hidden = count === 0;
    this.repliesTitle.textContent = count === 1 ? "1 reply" : `${count} replies`;
    this.replies.hidden = views.length === 0;
    this.replies.replaceChildren(...views.map((view) => view.node));
  }
}

/** The message list of one channel: fetched once, then kept by live events. */

import { announce, arrange, h, icon } from "./dom.js";
import { get, inWords, post } from "./api.js";
import { dayLabel, fromTs, sameDay } from "./dates.js";
import { MessageView } from "./message.js";
import { channelOf, state } from "./store.js";

const GROUP_SECONDS = 300;
const NEAR_BOTTOM_PX = 120;

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

function continues(previous, message) {
  if (!previous || previous.ephemeral || message.ephemeral) return false;
  const isNear = Number(message.ts) - Number(previous.ts) < GROUP_SECONDS;
  return (
    previous.user === message.user &&
    previous.author?.name === message.author?.name &&
    isNear &&
    sameDay(fromTs(previous.ts), fromTs(message.ts))
  );
}

export class Conversation {
  #views = new Map();
  #days = new Map();
  #loading = 0;
  #meanwhile = [];

  constructor() {
    this.list = h("ol", { class: "messages", "aria-label": "Messages" });
    this.empty = h("div", { class: "empty", hidden: true });
    this.jump = h(
      "button",
      { type: "button", class: "jump", hidden: true, on: { click: () => this.#toBottom(true) } },
      icon("down"),
      "New messages",
    );
    this.scroller = h(
      "div",
      {
        class: "scroller",
        tabindex: "0",
        role: "region",
        "aria-label": "Messages",
        on: { scroll: () => this.#scrolled() },
      },
      this.empty,
      this.list,
    );
    this.node = h("div", { class: "conversation" }, this.scroller, this.jump);
  }

  /** Fetches the channel's messages; a visit starts at the newest, a mere refresh stays where the reader is. */
  async load(channel, isVisit = false) {
    this.#loading += 1;
    const mine = this.#loading;
    if (channel !== this.channel) this.#reset(channel);
    this.#meanwhile = [];
    const before = [...this.#views.keys()];
    const answer = await get("/ui/messages", { channel });
    if (mine !== this.#loading) return;
    if (!answer.ok) return void this.#say("Could not load this conversation.", inWords(answer.error));
    const present = new Set(answer.messages.map((message) => message.ts));
    const wasNear = isVisit || this.#isNear();
    for (const ts of before) if (!present.has(ts)) this.#views.delete(ts);
    for (const message of answer.messages) this.#put(message);
    // The answer may be older than what the live line said while it was on its way.
    for (const message of this.#meanwhile) this.#put(message);
    this.#sync();
    if (wasNear) this.#toBottom();
    post("/ui/read", { channel });
  }

  #reset(channel) {
    this.channel = channel;
    this.#views.clear();
    this.#days.clear();
    this.list.replaceChildren();
    this.empty.hidden = true;
    this.jump.hidden = true;
  }

  #put(message) {
    const view = this.#views.get(message.ts);
    if (message.deleted) this.#views.delete(message.ts);
    else if (view) view.take(message);
    else this.#views.set(message.ts, new MessageView(this.channel, message));
  }

  /** Takes in a live event; of other channels only the badge tells, and that comes from the server. */
  event({ type, channel, message }) {
    if (channel !== this.channel) return;
    const isNew = type === "message" && !this.#views.has(message.ts);
    const wasNear = this.#isNear();
    const news = type === "message_deleted" ? { ...message, deleted: true } : message;
    this.#meanwhile.push(news);
    this.#put(news);
    this.#sync();
    if (!isNew) return void (wasNear && this.#toBottom());
    const isMine = message.user === state.me && !message.bot;
    if (wasNear || isMine) this.#toBottom();
    else this.jump.hidden = false;
    if (!isMine)
      announce(`New message from ${message.author?.name ?? message.user}: ${(message.text ?? "").slice(0, 160)}`);
    if (!document.hidden) post("/ui/read", { channel });
  }

  #sync() {
    const views = [...this.#views.values()].sort((one, other) => Number(one.message.ts) - Number(other.message.ts));
    const replies = Map.groupBy(
      views.filter((view) => isReply(view.message) && this.#views.has(view.message.thread_ts)),
      (view) => view.message.thread_ts,
    );
    const rows = [];
    let previous = null;
    for (const view of views) {
      if (replies.get(view.message.thread_ts)?.includes(view)) continue;
      const day = fromTs(view.message.ts);
      if (!previous || !sameDay(fromTs(previous.ts), day)) rows.push(this.#day(day));
      view.node.toggleAttribute("data-grouped", continues(previous, view.message));
      view.setReplies(replies.get(view.message.ts) ?? []);
      rows.push(view.node);
      previous = view.message;
    }
    arrange(this.list, rows);
    if (rows.length === 0) this.#greet();
    else this.empty.hidden = true;
  }

  #day(date) {
    const label = dayLabel(date);
    if (!this.#days.has(label)) this.#days.set(label, h("li", { class: "day" }, h("span", {}, label)));
    return this.#days.get(label);
  }

  #greet() {
    const channel = channelOf(this.channel);
    const isDirect = channel?.kind === "dm";
    const title = isDirect
      ? `This is your conversation with ${channel.name}`
      : `This is the start of #${channel?.name ?? ""}`;
    this.#say(title, channel?.topic || "No messages yet. Type / below to see what the app can do.");
  }

  #say(title, text) {
    this.empty.replaceChildren(icon("chat"), h("h2", {}, title), h("p", {}, text));
    this.empty.hidden = false;
  }

  #isNear() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
  }

  #scrolled() {
    if (this.#isNear()) this.jump.hidden = true;
  }

  #toBottom(refocus = false) {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = true;
    if (refocus) this.scroller.focus();
  }
}

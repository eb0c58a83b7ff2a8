/** What the page knows, and a bus that says when it changed. */

import { get } from "./api.js";

export const HOME = "home";

/** Stands in an address for the bot's direct messages, whose id is another for each person. */
const DIRECT = "messages";

export const state = {
  team: { id: "", name: "" },
  people: new Map(),
  me: null,
  channels: [],
  app: { id: "", name: "prodaccess", bot_user_id: "" },
  home: null,
  modals: [],
  place: null,
  connected: true,
};

const bus = new EventTarget();
const versions = { modals: 0, home: 0, channels: 0 };

export const on = (name, listener) => bus.addEventListener(name, (event) => listener(event.detail));
export const emit = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));

/** Takes in one part of the state as a live event brought it. */
export function update(part, value) {
  versions[part] += 1;
  state[part] = value;
  emit(part, value);
}

/** Fetches the whole state; a part that a live event refreshed meanwhile is newer and is left alone. */
export async function refresh() {
  const before = { ...versions };
  const answer = await get("/ui/state");
  if (!answer.ok) return answer;
  state.team = answer.team ?? state.team;
  state.app = answer.app ?? state.app;
  for (const part of Object.keys(versions)) {
    if (versions[part] === before[part]) update(part, answer[part] ?? (part === "home" ? null : []));
  }
  return answer;
}

export const channelOf = (id) => state.channels.find((channel) => channel.id === id) ?? null;

/** The direct conversation with the app's bot, whose messages are the app's second tab. */
export function botChannel() {
  const direct = state.channels.filter((channel) => channel.kind === "dm");
  return (
    direct.find((channel) => channel.name === state.app.name || channel.user === state.app.bot_user_id) ??
    direct[0] ??
    null
  );
}

/** The place in words that mean the same to every person. */
export const sharedPlace = () => (state.place !== HOME && state.place === botChannel()?.id ? DIRECT : state.place);

const firstPlace = () => (state.channels.find((channel) => channel.name === "general") ?? state.channels[0])?.id;

/** Where an address leads: its place, if this person has it, or #general. */
export function placeFor(wanted) {
  if (wanted === DIRECT && botChannel()) return botChannel().id;
  return wanted === HOME || channelOf(wanted) ? wanted : (firstPlace() ?? HOME);
}

export function nameOf(userId) {
  const person = state.people.get(userId);
  if (person) return person.real_name ?? person.name;
  return userId === state.app.bot_user_id ? state.app.name : userId;
}

export const me = () =>
  state.people.get(state.me) ?? { id: state.me, name: state.me, initials: "?", color: "#64748b", title: "" };

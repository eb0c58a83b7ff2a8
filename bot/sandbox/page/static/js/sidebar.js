/** The left side: whose eyes these are, channels, direct messages, the app. */

import { avatar, h, icon, iconButton } from "./dom.js";
import { addressOf, becomePerson, setDrawer } from "./place.js";
import { attachMenu } from "./popup.js";
import { HOME, botChannel, me, on, sharedPlace, state } from "./store.js";

function personFace(person) {
  const tags = [person.is_guest && "guest", person.is_deactivated && "deactivated"].filter(Boolean);
  const name = h("span", { class: "person-name" }, person.real_name ?? person.name);
  for (const tag of tags) name.append(" ", h("span", { class: "tag" }, tag));
  return [
    avatar(person),
    h("span", { class: "person-text" }, name, h("span", { class: "person-title" }, person.title)),
  ];
}

function secondTab(person, address) {
  const attributes = {
    href: address,
    target: "_blank",
    role: "menuitem",
    tabindex: "-1",
    class: "icon-button",
    "aria-label": `Open a second tab as ${person.real_name ?? person.name}`,
    title: "Open in a new tab",
  };
  return h("a", attributes, icon("newtab"));
}

function personItem(person, close) {
  const isMe = person.id === state.me;
  const address = addressOf(person.id, sharedPlace());
  const pick = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    close(true);
    if (!isMe) becomePerson(person.id, sharedPlace());
  };
  const attributes = {
    href: address,
    role: "menuitemradio",
    "aria-checked": String(isMe),
    tabindex: "-1",
    class: "menu-item person",
    data: { user: person.id },
    on: { click: pick },
  };
  const row = h("a", attributes, personFace(person), isMe && icon("check"));
  return h("div", { class: "person-row", role: "none" }, row, secondTab(person, address));
}

function switcher() {
  const person = me();
  const button = h(
    "button",
    {
      type: "button",
      class: "you",
      id: "person-switcher",
      "aria-label": `You are: ${person.real_name ?? person.name}, ${person.title}. Change person`,
    },
    avatar(person),
    h(
      "span",
      { class: "person-text" },
      h("span", { class: "person-title" }, "You are:"),
      h("span", { class: "person-name" }, person.real_name ?? person.name),
      h("span", { class: "person-title" }, person.title),
    ),
    icon("chevron"),
  );
  const holder = h("div", { class: "switcher" }, button);
  attachMenu(
    button,
    "Choose a person to be",
    (close) => [
      h("p", { class: "menu-title", role: "presentation" }, "Be somebody else"),
      ...[...state.people.values()].map((one) => personItem(one, close)),
    ],
    "start",
  );
  return holder;
}

/** One line of the lists. It is kept and only changed: a press on it outlives whatever arrives meanwhile. */
function entry(id, label, mark, go) {
  const words = h("span", { class: "entry-label" }, label);
  const badge = h("span", { class: "unread" });
  const click = (event) => {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    setDrawer(false);
    go(id);
  };
  const address = addressOf(state.me, id);
  const link = h("a", { href: address, class: "entry", data: { place: id }, on: { click } }, mark, words, badge);
  const show = (name, unread) => {
    words.textContent = name;
    link.toggleAttribute("data-unread", unread > 0);
    if (state.place === id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    badge.hidden = unread === 0;
    badge.textContent = unread > 99 ? "99+" : String(unread);
    badge.setAttribute("aria-label", `${unread} unread`);
  };
  return { node: h("li", {}, link), show };
}

function group(title, entries) {
  return entries.length ? [h("h2", { class: "group-title" }, title), h("ul", { class: "entries" }, entries)] : [];
}

/** Draws the sidebar and keeps it current. `go(place)` is called for a visit. */
export function keepSidebar(go) {
  const root = document.getElementById("sidebar");
  const lists = h("div", { class: "lists" });
  const close = iconButton("close", "Close the menu", () => setDrawer(false), { class: "icon-button drawer-close" });
  root.replaceChildren(
    h(
      "header",
      { class: "team" },
      h("span", { class: "team-mark", "aria-hidden": "true" }, icon("app")),
      h("h1", {}, state.team.name || "Local workspace"),
      close,
    ),
    switcher(),
    lists,
    h("p", { class: "sidebar-foot" }, "A local stand-in for Slack. Nothing leaves this machine."),
  );
  const kept = new Map();
  const line = (id, name, mark, unread = 0) => {
    if (!kept.has(id)) kept.set(id, entry(id, name, mark, go));
    kept.get(id).show(name, unread);
    return kept.get(id).node;
  };
  let shown = null;
  const draw = () => {
    const bot = botChannel();
    const face = (channel) => (channel.id === bot?.id ? icon("app") : icon("chat"));
    const of = (kind, mark) =>
      state.channels
        .filter((channel) => channel.kind === kind)
        .map((channel) => line(channel.id, channel.name, mark(channel), channel.unread));
    const channels = of("channel", () => icon("hash"));
    const direct = of("dm", face);
    const apps = [line(HOME, `${state.app.name} Home`, icon("app"))];
    const order = [channels.length, ...state.channels.map((channel) => channel.id)].join(" ");
    if (order === shown) return;
    shown = order;
    const focused = document.activeElement?.closest?.("#sidebar .entry");
    lists.replaceChildren(
      ...group("Channels", channels),
      ...group("Direct messages", direct),
      ...group("Apps", apps),
    );
    focused?.focus();
  };
  on("channels", draw);
  on("place", draw);
  draw();
}

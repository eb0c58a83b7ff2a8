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

function entry(id, label, mark, { unread = 0, go }) {
  const isHere = state.place === id;
  const badge =
    unread > 0 &&
    h("span", { class: "unread", "aria-label": `${unread} unread` }, unread > 99 ? "99+" : String(unread));
  const click = (event) => {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    setDrawer(false);
    go(id);
  };
  return h(
    "li",
    {},
    h(
      "a",
      {
        href: addressOf(state.me, id),
        class: "entry",
        "aria-current": isHere ? "page" : null,
        data: { unread: unread > 0, place: id },
        on: { click },
      },
      mark,
      h("span", { class: "entry-label" }, label),
      badge,
    ),
  );
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
  const draw = () => {
    const focused = document.activeElement?.closest?.("#sidebar .entry")?.dataset.place;
    const bot = botChannel();
    const channels = state.channels.filter((channel) => channel.kind === "channel");
    const direct = state.channels.filter((channel) => channel.kind === "dm");
    const row = (channel, mark) => entry(channel.id, channel.name, mark, { unread: channel.unread, go });
    const face = (channel) => (channel.id === bot?.id ? icon("app") : icon("chat"));
    lists.replaceChildren(
      ...group(
        "Channels",
        channels.map((channel) => row(channel, icon("hash"))),
      ),
      ...group(
        "Direct messages",
        direct.map((channel) => row(channel, face(channel))),
      ),
      ...group("Apps", [entry(HOME, `${state.app.name} Home`, icon("app"), { go })]),
    );
    if (focused) lists.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
  };
  on("channels", draw);
  on("place", draw);
  draw();
}

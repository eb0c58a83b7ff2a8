/** Starts the page: who plays, what they see, and the live line. */

import { actAs, get, inWords } from "./api.js";
import { h, icon } from "./dom.js";
import { goLive } from "./live.js";
import { keepModals } from "./modal.js";
import { topLayer } from "./overlay.js";
import { keepPhone } from "./phone.js";
import { readPlace, setDrawer, showPane, writePlace } from "./place.js";
import { Shell } from "./shell.js";
import { keepSidebar } from "./sidebar.js";
import { HOME, channelOf, me, on, placeFor, refresh, state } from "./store.js";
import { keepTerminal } from "./terminal.js";

const RETRY_MS = 1500;
const PANES = [
  ["chat", "chat", "Chat"],
  ["phone", "phone", "Phone"],
  ["terminal", "terminal", "Terminal"],
];

function standIn(title, text) {
  document
    .getElementById("main")
    .replaceChildren(h("div", { class: "empty", role: "status" }, icon("warn"), h("h2", {}, title), h("p", {}, text)));
}

function choosePerson(people) {
  const wanted = readPlace().user;
  const ordinary = people.find((person) => !person.is_guest && !person.is_deactivated);
  return people.find((person) => person.id === wanted) ?? ordinary ?? people[0];
}

const choosePlace = () => placeFor(readPlace().channel);

function drawTabs() {
  const tab = ([pane, mark, label]) =>
    h(
      "button",
      {
        type: "button",
        data: { pane },
        "aria-current": pane === "chat" ? "page" : "false",
        on: { click: () => showPane(pane) },
      },
      icon(mark),
      label,
    );
  document.getElementById("tabs").replaceChildren(...PANES.map(tab));
}

/** F6 goes round the devices: the chat (or the dialog over it), the phone, the terminal. */
function goRound(event) {
  if (event.key === "Escape") setDrawer(false);
  if (event.key !== "F6") return;
  event.preventDefault();
  const chat = topLayer() ?? document.getElementById("composer") ?? document.getElementById("main");
  const stops = [
    ["chat", chat],
    ["phone", document.getElementById("phone")],
    ["terminal", document.getElementById("terminal")],
  ];
  const here = document.activeElement?.closest(".pane")?.dataset.pane ?? "terminal";
  const at = stops.findIndex(([pane]) => pane === here);
  const [pane, node] = stops[(at + (event.shiftKey ? 2 : 1)) % 3];
  showPane(pane);
  node.focus();
}

function retitle() {
  const unread = state.channels.reduce((sum, channel) => sum + (channel.unread ?? 0), 0);
  const place = state.place === HOME ? "Home" : channelOf(state.place)?.name;
  document.title = `${unread ? `(${unread}) ` : ""}${place ?? ""} · ${me().name} · ${state.team.name}`;
}

function visits(shell) {
  const follow = () => {
    const { user } = readPlace();
    if (user && user !== state.me && state.people.has(user)) return void location.reload();
    if (choosePlace() !== state.place) shell.show(choosePlace());
  };
  addEventListener("popstate", follow);
  addEventListener("hashchange", follow);
}

async function begin(people, team) {
  state.people = new Map(people.map((person) => [person.id, person]));
  state.team = team ?? state.team;
  state.me = choosePerson(people).id;
  actAs(state.me);
  keepModals();
  const answer = await refresh();
  if (!answer.ok) return standIn("The workspace did not answer", inWords(answer.error));
  const go = (place) => {
    writePlace(state.me, place);
    shell.show(place);
  };
  const shell = new Shell((place) => go(place));
  keepSidebar(go);
  on("place", retitle);
  on("channels", retitle);
  keepPhone();
  keepTerminal();
  writePlace(state.me, choosePlace(), false);
  shell.show(choosePlace());
  if (!topLayer()) document.getElementById("composer")?.focus({ preventScroll: true });
  visits(shell);
  goLive(state.me);
  document.getElementById("app").dataset.ready = "";
}

async function start() {
  const answer = await get("/ui/people");
  if (answer.ok && answer.people?.length) return begin(answer.people, answer.team);
  standIn("Waiting for the local workspace", answer.ok ? "It has no people yet." : inWords(answer.error));
  return setTimeout(start, RETRY_MS);
}

document.getElementById("overlay").hidden = true;
document.getElementById("drawer-shade").addEventListener("click", () => setDrawer(false));
addEventListener("keydown", goRound);
drawTabs();
start();

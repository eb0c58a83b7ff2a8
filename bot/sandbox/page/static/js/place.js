/** Who plays and where they look, kept in the address: #user=U…&channel=C… */

export function readPlace() {
  const hash = new URLSearchParams(location.hash.slice(1));
  return { user: hash.get("user"), channel: hash.get("channel") };
}

export const addressOf = (user, channel) => `#${new URLSearchParams({ user, ...(channel && { channel }) })}`;

/** Writes the place into the address without a new page load. */
export function writePlace(user, channel, push = true) {
  const address = addressOf(user, channel);
  if (address === location.hash) return;
  history[push ? "pushState" : "replaceState"](null, "", address);
}

/** Becomes another person: everything is loaded anew as them. */
export function becomePerson(user, channel) {
  history.pushState(null, "", addressOf(user, channel));
  location.reload();
}

export function showPane(pane) {
  document.getElementById("app").dataset.pane = pane;
  for (const tab of document.querySelectorAll("#tabs button"))
    tab.setAttribute("aria-current", tab.dataset.pane === pane ? "page" : "false");
}

/** Opens or closes the sidebar where it is a drawer, and takes the focus along. */
export function setDrawer(open) {
  const app = document.getElementById("app");
  if (app.hasAttribute("data-drawer") === open) return;
  app.toggleAttribute("data-drawer", open);
  document.querySelector(open ? ".drawer-close" : ".drawer-open")?.focus();
}

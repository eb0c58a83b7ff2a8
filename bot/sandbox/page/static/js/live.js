/** The live line to the server; it comes back by itself and then fetches what was missed. */

import { TROUBLE } from "./modal.js";
import { emit, refresh, state, update } from "./store.js";
import { toast } from "./toast.js";

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 4000;

/** What a modal's banner already says is not said a second time. */
function notice({ level, text }) {
  if (state.modals.length && text === TROUBLE) return;
  toast(level === "error" ? "error" : "info", text);
}

const HANDLERS = {
  message: (event) => emit("message", event),
  message_changed: (event) => emit("message", event),
  message_deleted: (event) => emit("message", event),
  home: (event) => update("home", event.view ?? null),
  modals: (event) => update("modals", event.modals ?? []),
  channels: (event) => update("channels", event.channels ?? []),
  notice: (event) => notice(event),
};

function setConnected(connected) {
  if (state.connected === connected) return;
  state.connected = connected;
  document.getElementById("app").toggleAttribute("data-offline", !connected);
  emit("connection", connected);
}

export function goLive(user) {
  let pause = FIRST_PAUSE_MS;
  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ui/live?user=${encodeURIComponent(user)}`);
    socket.addEventListener("open", async () => {
      pause = FIRST_PAUSE_MS;
      setConnected(true);
      await refresh();
      emit("caught-up");
    });
    socket.addEventListener("message", (message) => {
      const event = JSON.parse(message.data);
      HANDLERS[event.type]?.(event);
    });
    socket.addEventListener("close", () => {
      setConnected(false);
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  };
  connect();
}

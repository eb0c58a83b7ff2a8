/** The server's JSON API. Every call resolves to an object with `ok`; a network fault is `connection_failed`. */

let me = null;

export const actAs = (userId) => {
  me = userId;
};

async function call(path, options) {
  try {
    const response = await fetch(path, { cache: "no-store", ...options });
    const body = await response.json();
    if (typeof body?.ok === "boolean") return body;
    return { ok: false, error: `http_${response.status}` };
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError || error instanceof DOMException)) throw error;
    return { ok: false, error: "connection_failed" };
  }
}

export function get(path, query = {}) {
  const search = new URLSearchParams({ user: me ?? "", ...query });
  return call(`${path}?${search}`, { method: "GET" });
}

export function post(path, body = {}) {
  return call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user: me, ...body }),
  });
}

export const remove = (path) => call(path, { method: "DELETE" });

const WORDS = {
  connection_failed: "The local workspace isn't answering. Is it still running?",
  operation_timeout: "The app took longer than 3 seconds to answer (operation_timeout).",
  dispatch_failed: "The app could not be reached (dispatch_failed).",
  expired_trigger_id: "That took too long and has expired. Please try again.",
  channel_not_found: "That conversation doesn't exist any more.",
  not_in_channel: "You aren't in that channel.",
  unknown_call: "That call isn't in the list any more. Reload the page.",
};

/** A failure in words that a visitor can act on, with the code when there are no better words. */
export const inWords = (error) => WORDS[error] ?? `Something went wrong (${error ?? "unknown error"}).`;

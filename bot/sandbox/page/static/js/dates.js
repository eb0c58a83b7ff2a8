/** Dates in the visitor's own zone, and Slack's <!date^…> token. */

const part = (options) => (date) => new Intl.DateTimeFormat(undefined, options).format(date);

const dayNumber = (date) => Math.floor((date.getTime() - date.getTimezoneOffset() * 60000) / 86400000);

function pretty(format) {
  return (date) => {
    const away = dayNumber(date) - dayNumber(new Date());
    return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[away] ?? format(date);
  };
}

function ago(date) {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const units = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

const long = part({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
const short = part({ month: "short", day: "numeric", year: "numeric" });
const medium = part({ month: "long", day: "numeric", year: "numeric" });

const { hour12 } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
const hour = hour12 ? "numeric" : "2-digit";

/** A time in one piece: no line ends before AM or PM. */
const whole = (format) => (date) => format(date).replace(/\s/g, "\u00a0");

export const clock = whole(part({ hour, minute: "2-digit" }));
export const clockWithSeconds = whole(part({ hour, minute: "2-digit", second: "2-digit" }));

const TOKENS = {
  date_num: (date) =>
    `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`,
  date: medium,
  date_slash: part({ day: "2-digit", month: "2-digit", year: "numeric" }),
  date_short: short,
  date_long: long,
  date_pretty: pretty(medium),
  date_short_pretty: pretty(short),
  date_long_pretty: pretty(long),
  time: clock,
  time_secs: clockWithSeconds,
  ago,
};

export const fromTs = (ts) => new Date(Number(ts) * 1000);

/** The text of <!date^seconds^format|fallback>; the fallback when the format has a token that does not exist. */
export function formatDate(seconds, format, fallback, startsLine) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return fallback;
  let known = true;
  const text = format.replace(/\{(\w+)\}/g, (_, token) => {
    const formatter = TOKENS[token];
    if (!formatter) known = false;
    return formatter ? formatter(date) : "";
  });
  if (!known) return fallback;
  return startsLine ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

export function dayLabel(date) {
  const name = pretty(part({ weekday: "long", month: "long", day: "numeric" }))(date);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

export const sameDay = (one, other) => dayNumber(one) === dayNumber(other);

/** Unix seconds → the value of <input type="datetime-local">, in the visitor's zone. */
export function localInput(seconds) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${TOKENS.date_num(date)}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Shortcodes and the characters that they stand for, drawn from static/emoji.svg so that they look alike everywhere. */

import { emojiImage } from "./dom.js";

const TABLE = {
  white_check_mark: "✅",
  heavy_check_mark: "✔",
  x: "❌",
  lock: "🔒",
  unlock: "🔓",
  closed_lock_with_key: "🔐",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  warning: "⚠",
  rotating_light: "🚨",
  key: "🔑",
  no_entry: "⛔",
  no_entry_sign: "🚫",
  eyes: "👀",
  tada: "🎉",
  bell: "🔔",
  clock3: "🕒",
  alarm_clock: "⏰",
  stopwatch: "⏱",
  memo: "📝",
  shield: "🛡",
  arrow_right: "➡",
  large_green_circle: "🟢",
  red_circle: "🔴",
  large_red_circle: "🔴",
  large_yellow_circle: "🟡",
  large_orange_circle: "🟠",
  white_circle: "⚪",
  large_blue_circle: "🔵",
  black_circle: "⚫",
  information_source: "ℹ",
  question: "❓",
  exclamation: "❗",
  mag: "🔍",
  wave: "👋",
  thumbsup: "👍",
  thumbsdown: "👎",
  bust_in_silhouette: "👤",
  busts_in_silhouette: "👥",
  calendar: "📅",
  date: "📅",
  bar_chart: "📊",
  link: "🔗",
  iphone: "📱",
  robot_face: "🤖",
  point_right: "👉",
  fire: "🔥",
  wastebasket: "🗑",
  cloud: "☁",
  rocket: "🚀",
  sparkles: "✨",
  zap: "⚡",
  clipboard: "📋",
  scroll: "📜",
  arrows_counterclockwise: "🔄",
  star: "⭐",
  fast_forward: "⏩",
  bulb: "💡",
  raised_hand: "✋",
  octagonal_sign: "🛑",
};

const ALIASES = {
  "+1": "thumbsup",
  "-1": "thumbsdown",
  large_red_circle: "red_circle",
  date: "calendar",
  hand: "raised_hand",
  stop_sign: "octagonal_sign",
};

const BY_CHARACTER = new Map(
  Object.entries(TABLE)
    .reverse()
    .map(([name, character]) => [character, name]),
);

const CHARACTERS = new RegExp(`(${[...BY_CHARACTER.keys()].join("|")})\\uFE0F?`, "u");

/** The picture for a shortcode's name, or null when the table has none. */
export function emojiNamed(name) {
  const known = ALIASES[name] ?? name;
  return known in TABLE ? emojiImage(known) : null;
}

/** Text with its emoji characters, and with `shortcodes` also its :names:, as pictures. */
export function withEmoji(text, shortcodes = false) {
  const nodes = [];
  const pattern = shortcodes
    ? new RegExp(`${CHARACTERS.source}|:([a-z0-9_+-]+):`, "gu")
    : new RegExp(CHARACTERS.source, "gu");
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    const picture = match[1] ? emojiNamed(BY_CHARACTER.get(match[1])) : emojiNamed(match[2]);
    if (!picture) continue;
    nodes.push(text.slice(last, match.index), picture);
    last = match.index + match[0].length;
  }
  nodes.push(text.slice(last));
  return nodes.filter((node) => node !== "");
}

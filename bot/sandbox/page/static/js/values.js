/** The state of inputs, in the shape in which Slack sends it. */

const TEXTS = new Set(["plain_text_input", "email_text_input", "url_text_input", "number_input"]);

const SLOTS = {
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  radio_buttons: ["selected_option", "initial_option"],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  multi_static_select: ["selected_options", "initial_options"],
  multi_external_select: ["selected_options", "initial_options"],
  checkboxes: ["selected_options", "initial_options"],
  multi_users_select: ["selected_users", "initial_users"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  multi_channels_select: ["selected_channels", "initial_channels"],
};
for (const type of TEXTS) SLOTS[type] = ["value", "initial_value"];

export const isText = (type) => TEXTS.has(type);
export const isStateful = (element) => element?.type in SLOTS;
export const slotOf = (type) => SLOTS[type][0];
const isPlural = (type) => slotOf(type).endsWith("s");

/** What an element holds before anyone touches it. */
export function initialState(element) {
  const [slot, initial] = SLOTS[element.type];
  return { type: element.type, [slot]: element[initial] ?? (isPlural(element.type) ? [] : null) };
}

export function isEmpty(held) {
  const value = held[slotOf(held.type)];
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The elements of a block that hold a value. */
export function statefulElements(block) {
  return [block.element, block.accessory, ...(block.type === "actions" ? (block.elements ?? []) : [])].filter(
    isStateful,
  );
}

const length = (text) => [...text].length;

function textError(element, text) {
  if (element.min_length && length(text) < element.min_length) {
    return `Please use at least ${element.min_length} character${element.min_length === 1 ? "" : "s"}.`;
  }
  if (element.max_length && length(text) > element.max_length) {
    return `Please use at most ${element.max_length} characters; this has ${length(text)}.`;
  }
  return element.type === "number_input" ? numberError(element, text) : null;
}

function numberError(element, text) {
  const pattern = element.is_decimal_allowed ? /^-?\d*\.?\d+$/ : /^-?\d+$/;
  if (!pattern.test(text))
    return element.is_decimal_allowed ? "Please enter a number." : "Please enter a whole number.";
  if (element.min_value !== undefined && Number(text) < Number(element.min_value))
    return `Please enter ${element.min_value} or more.`;
  if (element.max_value !== undefined && Number(text) > Number(element.max_value))
    return `Please enter ${element.max_value} or less.`;
  return null;
}

/** What Slack's own client refuses before anything is sent: the message to show, or null. */
export function inputError(block, held) {
  if (isEmpty(held)) return block.optional ? null : "Please complete this required field.";
  return isText(held.type) ? textError(block.element, held.value) : null;
}

/** The select elements of Block Kit on top of one combobox. */

import { inWords } from "./api.js";
import { Select, labelOf } from "./select.js";
import { nameOf, state } from "./store.js";

const SLACKS_MIN_QUERY = 3;

const matches = (query) => (option) => labelOf(option).toLowerCase().includes(query.toLowerCase());

function groupsOf(element) {
  if (!element.option_groups) return [{ label: null, options: element.options ?? [] }];
  return element.option_groups.map((group) => ({ label: group.label?.text, options: group.options ?? [] }));
}

const filtered = (groups, query) =>
  groups.map((group) => ({ ...group, options: group.options.filter(matches(query)) }));

const localSource = (groups) => async (query) => ({ groups: filtered(groups(), query) });

function externalSource(field) {
  const shortest = field.element.min_query_length ?? SLACKS_MIN_QUERY;
  const source = async (query) => {
    if (query.length < shortest)
      return { hint: `Type ${shortest === 1 ? "a letter" : `${shortest} letters`} or more to search` };
    const answer = await field.surface.suggest(field.block.block_id, field.element, query);
    return answer.ok ? { groups: groupsOf(answer) } : { error: `Could not load the options. ${inWords(answer.error)}` };
  };
  source.remote = true;
  return source;
}

const plainOption = (value, text, more) => ({
  value,
  text: { type: "plain_text", text, emoji: false },
  ...(more && { description: { type: "plain_text", text: more, emoji: false } }),
});

const personOption = (person) => plainOption(person.id, person.real_name ?? person.name, person.title);

const people = () => [
  { label: null, options: [...state.people.values()].filter((person) => !person.is_deactivated).map(personOption) },
];

function channels(withDirect) {
  const shown = state.channels.filter((channel) => withDirect || channel.kind === "channel");
  return [
    {
      label: null,
      options: shown.map((channel) =>
        plainOption(channel.id, channel.kind === "dm" ? channel.name : `#${channel.name}`),
      ),
    },
  ];
}

const person = (id) => personOption(state.people.get(id) ?? { id, name: nameOf(id) });
const channel = (id) => channels(true)[0].options.find((option) => option.value === id) ?? plainOption(id, id);

const asOption = {
  source: (field) => localSource(() => groupsOf(field.element)),
  read: (option) => option,
  write: (option) => option,
};
const external = { ...asOption, source: externalSource };
const users = { source: () => localSource(people), read: person, write: (option) => option.value };
const conversations = {
  source: () => localSource(() => channels(true)),
  read: channel,
  write: (option) => option.value,
};
const onlyChannels = { ...conversations, source: () => localSource(() => channels(false)) };

const KINDS = { static: asOption, external, users, conversations, channels: onlyChannels };

/** Draws static_select, multi_external_select and their kin. */
export function selectElement(field) {
  const { element } = field;
  const multiple = element.type.startsWith("multi_");
  const kind = KINDS[element.type.replace("multi_", "").replace("_select", "")];
  const held = field.value;
  const select = new Select({
    source: kind.source(field),
    chosen: (multiple ? held : [held]).filter((one) => one !== null && one !== undefined).map(kind.read),
    change: (chosen) => {
      const values = chosen.map(kind.write);
      return field.change(multiple ? values : (values[0] ?? null));
    },
    multiple,
    limit: element.max_selected_items ?? null,
    optional: field.optional && field.inInput,
    placeholder: element.placeholder?.text ?? "Choose…",
    aria: field.aria(),
    key: field.key,
  });
  return select.node;
}

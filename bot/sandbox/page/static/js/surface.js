/** One place where blocks are shown (a message, a modal, the home tab): the values typed there and its dispatches. */

import { inWords, post } from "./api.js";
import { initialState, inputError, isStateful, slotOf, statefulElements } from "./values.js";
import { failure } from "./toast.js";

const keyOf = (blockId, actionId) => `${blockId}/${actionId}`;

const optionsOf = (element) => element.options ?? element.option_groups?.flatMap((group) => group.options) ?? null;

/** Whether what was chosen can still be chosen after the element changed. */
function stillFits(element, held) {
  if (held.type !== element.type) return false;
  const options = optionsOf(element);
  if (!options) return true;
  const chosen = [held[slotOf(held.type)]].flat().filter(Boolean);
  return chosen.every((one) => options.some((option) => option.value === one.value));
}

export class Surface {
  #values = new Map();

  /** `where` is the address that the server knows it by; `onError(text)` shows a failed dispatch. */
  constructor(where, onError = null) {
    this.where = where;
    this.onError = onError;
    this.blocks = [];
    this.stored = null;
  }

  /** Takes in new blocks: values under the same block_id and action_id stay, all others are forgotten. */
  take(blocks, stored = null) {
    this.blocks = blocks;
    this.stored = stored?.values ?? null;
    const kept = new Map();
    for (const block of blocks) {
      for (const element of statefulElements(block)) {
        const key = keyOf(block.block_id, element.action_id);
        const held = this.#values.get(key);
        const fallback = this.stored?.[block.block_id]?.[element.action_id] ?? initialState(element);
        kept.set(key, held && stillFits(element, held) ? held : fallback);
      }
    }
    this.#values = kept;
  }

  held(blockId, element) {
    return this.#values.get(keyOf(blockId, element.action_id)) ?? initialState(element);
  }

  hold(blockId, element, value) {
    this.#values.set(keyOf(blockId, element.action_id), { type: element.type, [slotOf(element.type)]: value });
  }

  /** {values: {block_id: {action_id: …}}}, as in view.state. */
  state() {
    const values = {};
    for (const block of this.blocks) {
      for (const element of statefulElements(block)) {
        values[block.block_id] ??= {};
        values[block.block_id][element.action_id] = this.held(block.block_id, element);
      }
    }
    return { values };
  }

  /** {block_id: message} for what the client itself refuses to submit. */
  invalid() {
    const errors = {};
    for (const block of this.blocks) {
      if (block.type !== "input" || !isStateful(block.element)) continue;
      const error = inputError(block, this.held(block.block_id, block.element));
      if (error) errors[block.block_id] = error;
    }
    return errors;
  }

  /** Sends a block_actions; resolves to whether the app acknowledged it in time. */
  async dispatch(blockId, action) {
    const startedAt = Date.now();
    const answer = await post("/ui/action", {
      where: this.where,
      block_id: blockId,
      action: { ...action, block_id: blockId },
      state: this.state(),
    });
    if (!answer.ok) {
      if (this.onError) this.onError(inWords(answer.error));
      else failure(answer.error, startedAt);
    }
    return answer.ok;
  }

  /** A block_suggestion round trip. */
  suggest(blockId, element, value) {
    return post("/ui/options", { where: this.where, block_id: blockId, action_id: element.action_id, value });
  }
}

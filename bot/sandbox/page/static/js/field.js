/** What an element's drawing gets: its surface, its block, and how it reports a change. */

import { ask } from "./overlay.js";
import { textObject } from "./mrkdwn.js";
import { slotOf } from "./values.js";

export class Field {
  constructor(surface, block, element, { id = null, labelledBy = null, describedBy = null } = {}) {
    Object.assign(this, { surface, block, element, id, labelledBy, describedBy });
    this.key = `${block.block_id}/${element.action_id}`;
    this.inInput = block.type === "input";
    this.dispatches = !this.inInput || block.dispatch_action === true;
    this.optional = !this.inInput || block.optional === true;
  }

  get value() {
    const held = this.surface.held(this.block.block_id, this.element);
    return held[slotOf(held.type)];
  }

  /** The attributes that name and describe the control. */
  aria() {
    return {
      id: this.id,
      "aria-labelledby": this.labelledBy,
      "aria-describedby": this.describedBy,
      "aria-label": this.labelledBy
        ? null
        : (this.element.accessibility_label ?? this.element.placeholder?.text ?? this.element.action_id),
      "aria-required": this.inInput && !this.optional ? "true" : null,
    };
  }

  /** Keeps the value without telling the app. */
  hold(value) {
    this.surface.hold(this.block.block_id, this.element, value);
    document.dispatchEvent(
      new CustomEvent("field-changed", { detail: { surface: this.surface, blockId: this.block.block_id } }),
    );
  }

  /** Keeps the value and, where the block says so, dispatches it. Resolves to false when the visitor took it back. */
  async change(value) {
    const before = this.value;
    this.hold(value);
    if (!this.dispatches) return true;
    if (!(await confirmed(this.element))) {
      this.hold(before);
      return false;
    }
    await this.send({ [slotOf(this.element.type)]: value });
    return true;
  }

  send(extra) {
    const { type, action_id } = this.element;
    return this.surface.dispatch(this.block.block_id, { type, action_id, ...extra });
  }
}

/** Whether the element's confirmation dialog, when it has one, was agreed to. */
export async function confirmed(element) {
  const dialog = element.confirm;
  if (!dialog) return true;
  return ask({
    title: textObject(dialog.title),
    body: textObject(dialog.text),
    confirm: textObject(dialog.confirm),
    deny: textObject(dialog.deny),
    danger: dialog.style === "danger",
  });
}

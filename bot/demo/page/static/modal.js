// The modals that lie open in front of the person: the topmost is shown.

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { by, el, icon } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

export class Modal {
  constructor(world) {
    this.world = world;
    this.dialog = by("modal");
    this.values = new Map();
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.dismiss();
    });
  }

  /** Shows what lies open; what was filled in stays as long as its modal does. */
  show(views) {
    this.view = views.at(-1);
    const open = new Set(views.map(({ id }) => id));
    for (const id of this.values.keys()) if (!open.has(id)) this.values.delete(id);
    if (!this.view) {
      this.dialog.close();
      return;
    }
    const held = document.activeElement?.dataset?.action;
    this.draw(this.view);
    if (!this.dialog.open) this.dialog.showModal();
    if (held) this.dialog.querySelector(`[data-action="${CSS.escape(held)}"]`)?.focus();
  }

  valuesOf({ id }) {
    if (!this.values.has(id)) this.values.set(id, new Map());
    return this.values.get(id);
  }

  draw(view) {
    const { names, person } = this.world;
    const values = this.valuesOf(view);
    const surface = {
      names, values, errors: view.errors, choices: (kind) => this.world.choices(kind),
      onAction: (block, element, choice) => this.tell(act("click", {
        person: person.id, view_id: view.id, block_id: block.block_id, action_id: element.action_id,
        choice, values: Object.fromEntries(values),
      })),
    };
    this.wrong = el("p", { class: "wrong-all", role: "alert", hidden: true });
    const form = el("form", { novalidate: true, on: { submit: (event) => this.submit(event) } },
      el("header", {}, el("img", { src: "activity.svg", alt: "", width: 28, height: 28 }),
        el("h2", { id: "modal-title" }, plain(view.title.text)),
        el("button", {
          type: "button", class: "icon-button", "aria-label": "Close", on: { click: () => this.dismiss() },
        }, icon("close"))),
      el("div", { class: "modal-body" }, this.wrong, drawBlocks(view.blocks, surface)),
      el("footer", {},
        el("button", { type: "button", class: "button", on: { click: () => this.dismiss() } },
          plain(view.close?.text ?? "Cancel")),
        view.submit && el("button", { type: "submit", class: "button primary" }, plain(view.submit.text))));
    this.dialog.replaceChildren(form);
  }

  async submit(event) {
    event.preventDefault();
    const form = event.target;
    if (!form.reportValidity()) return;
    form.setAttribute("aria-busy", "true");
    await this.tell(act("submit", {
      person: this.world.person.id, view_id: this.view.id,
      values: Object.fromEntries(this.valuesOf(this.view)),
    }));
    form.removeAttribute("aria-busy");
  }

  dismiss() {
    return this.tell(act("close", { person: this.world.person.id, view_id: this.view.id }));
  }

  async tell(acting) {
    const { ok, error } = await acting;
    if (ok) return;
    this.wrong.replaceChildren(mrkdwn(`We had some trouble connecting: ${error}`, this.world.names));
    this.wrong.hidden = false;
  }
}

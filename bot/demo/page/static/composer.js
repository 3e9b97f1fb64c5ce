// The message box: typing, completion, sending and history.

import { complete } from "./completion.js";
import { by, el, icon } from "./dom.js";

export class Composer {
  /** `onSend(text)` takes what was typed. */
  constructor(world, onSend) {
    this.world = world;
    this.onSend = onSend;
    this.box = by("text");
    this.list = by("completions");
    this.history = [];
    this.back = 0;
    this.thread = null;
    this.close();
    by("thread-off").append(icon("close"));
    by("thread-off").addEventListener("click", () => this.replyTo(null));
    by("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.box.value);
    });
    this.box.addEventListener("input", () => this.offer());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.close());
    this.box.addEventListener("focus", () => this.box.value && this.offer());
  }

  /** Draws the example buttons. */
  drawExamples() {
    const { command, examples } = this.world.all;
    by("examples").replaceChildren(el("span", { text: "Try" }), ...examples.map((words) => el("button", {
      type: "button", class: "example", title: `${command} ${words}`, text: words,
      on: { click: () => this.send(`${command} ${words}`) },
    })));
  }

  send(typed) {
    const text = typed.trim();
    if (!text) return;
    this.history.push(text);
    this.back = this.history.length;
    this.box.value = "";
    this.close();
    this.onSend(text, this.thread);
  }

  /** Sends to the thread of a message from now on; null means the channel. */
  replyTo(message, names) {
    this.thread = message ? message.thread_ts ?? message.ts : null;
    by("thread").hidden = !message;
    if (!message) return;
    const direct = this.world.place.kind === "im";
    by("thread-words").textContent = direct
      ? "Replying in the thread" : "Replying in the thread; mention @activity so the bot sees it";
    if (!direct && !this.box.value) this.box.value = `@${names.user(this.world.all.bot) ?? "activity"} `;
    this.box.focus();
  }

  offer() {
    const { command, words } = this.world.all;
    const { from, options } = complete(this.box.value, command, words);
    this.from = from;
    this.options = options;
    this.at = -1;
    this.list.replaceChildren(...options.map(({ text, hint }, index) => el("li", {
      role: "option", id: `completion-${index}`, "aria-selected": "false",
      on: {
        mousedown: (event) => {
          event.preventDefault();
          this.accept(index);
        },
      },
    }, el("b", { text }), el("span", { text: hint }))));
    this.list.hidden = !options.length;
    this.box.setAttribute("aria-expanded", String(options.length > 0));
    this.box.removeAttribute("aria-activedescendant");
  }

  close() {
    this.options = [];
    this.at = -1;
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }

  move(step) {
    const count = this.options.length;
    this.at = (this.at + step + (this.at < 0 && step < 0 ? 1 : 0) + count) % count;
    for (const [index, item] of [...this.list.children].entries())
      item.setAttribute("aria-selected", String(index === this.at));
    this.box.setAttribute("aria-activedescendant", `completion-${this.at}`);
    this.list.children[this.at].scrollIntoView({ block: "nearest" });
  }

  accept(index) {
    const { text } = this.options[index];
    this.box.value = this.box.value.slice(0, this.from) + text + (text.endsWith(":") ? "" : " ");
    this.offer();
  }

  recall(step) {
    const next = this.back + step;
    if (next < 0 || next > this.history.length) return;
    this.back = next;
    this.box.value = this.history[next] ?? "";
    this.close();
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const offered = this.options.length > 0;
    const done = KEYS[event.key]?.(this, offered, event);
    if (done) event.preventDefault();
  }
}

const stroke = (step) => (composer, offered) => {
  if (offered) composer.move(step);
  else composer.recall(step);
  return true;
};

const KEYS = {
  ArrowDown: stroke(1),
  ArrowUp: stroke(-1),
  Tab: (composer, offered, { shiftKey }) => {
    if (!offered || shiftKey) return false;
    composer.accept(Math.max(0, composer.at));
    return true;
  },
  Enter: (composer) => {
    if (composer.at < 0) return false;
    composer.accept(composer.at);
    return true;
  },
  Escape: (composer, offered) => {
    composer.close();
    return offered;
  },
};

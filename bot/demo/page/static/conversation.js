// The middle: the messages of one conversation, oldest first, with what Slack rejected.

import { look } from "./api.js";
import { day } from "./dates.js";
import { el } from "./dom.js";
import { message, note, refusal } from "./message.js";

const NEAR = 160;

export class Conversation {
  /** `surfaceOf(message)` says how a message's controls work. */
  constructor(log, world, surfaceOf) {
    this.log = log;
    this.world = world;
    this.surfaceOf = surfaceOf;
    this.drawn = new Map();
    this.days = new Set();
    this.meanwhile = null;
  }

  /** Reads and shows a place. */
  async show(place) {
    const meanwhile = (this.meanwhile = []);
    this.log.setAttribute("aria-busy", "true");
    const messages = await look("messages", { person: this.world.person.id, channel: place.id });
    if (this.meanwhile !== meanwhile) return;
    this.meanwhile = null;
    this.drawn.clear();
    this.days.clear();
    const refused = this.world.all.refusals.filter((one) => this.isHere(one));
    const all = [...messages.map((one) => [Number(one.ts), () => this.put(one)]),
      ...refused.map((one) => [one.at, () => this.add(refusal(one), one.at)])];
    this.log.replaceChildren(this.beginning(place));
    all.sort(([a], [b]) => a - b).forEach(([, draw]) => draw());
    meanwhile.forEach((one) => this.put(one));
    this.log.setAttribute("aria-busy", "false");
    this.log.scrollTop = this.log.scrollHeight;
  }

  /** Whether a refusal belongs here: to this channel, or to none that is known. */
  isHere({ channel }) {
    return channel === this.world.place.id || !this.world.names.channel(channel);
  }

  /** Shows a message, replacing its earlier version if there is one. */
  put(one) {
    this.meanwhile?.push(one);
    const drawn = message(one, this.surfaceOf(one), this.world);
    const former = this.drawn.get(one.ts);
    this.drawn.set(one.ts, drawn);
    const thread = one.thread_ts && one.thread_ts !== one.ts && this.drawn.get(one.thread_ts);
    if (former) {
      drawn.append(...former.querySelectorAll(":scope > .thread"));
      former.replaceWith(drawn);
    } else if (thread) {
      this.follow(drawn, () => this.threadOf(thread).append(drawn));
    } else this.add(drawn, one.ts);
  }

  /** Removes a message. */
  drop(ts) {
    this.drawn.get(ts)?.remove();
    this.drawn.delete(ts);
  }

  /** Shows a note of the page itself. */
  say(words, how) {
    this.add(note(words, how));
  }

  /** Shows a request that Slack rejected. */
  refuse(one) {
    this.add(refusal(one), one.at);
  }

  add(drawn, ts = Date.now() / 1000) {
    const today = day(ts);
    this.follow(drawn, () => {
      if (!this.days.has(today)) {
        this.days.add(today);
        this.log.append(el("div", { class: "day", role: "separator" }, el("span", { text: today })));
      }
      this.log.append(drawn);
    });
  }

  /** Adds an element, and scrolls along if the end was in view. */
  follow(drawn, add) {
    const { log } = this;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    add();
    if (!atEnd) return;
    const tall = drawn.offsetHeight > log.clientHeight;
    log.scrollTop = tall ? drawn.offsetTop - log.offsetTop : log.scrollHeight;
  }

  threadOf(parent) {
    const found = parent.querySelector(":scope > .thread");
    if (found) return found;
    const made = el("div", { class: "thread" });
    parent.append(made);
    return made;
  }

  beginning(place) {
    const { all } = this.world;
    const title = place.kind === "im" ? "Your direct messages with Activity" : `#${place.name}`;
    const about = place.kind === "im"
      ? "Files and alerts arrive here. You can also ask questions and use commands."
      : `Type ${all.command} or press an example below. Only you can see answers unless you add “share”.`;
    return el("div", { class: "beginning" }, el("h2", { text: title }),
      el("p", { text: about }),
      el("p", { text: all.greeting }),
      el("p", { text: "Switch users at the bottom of the sidebar to see what others see." }));
  }
}

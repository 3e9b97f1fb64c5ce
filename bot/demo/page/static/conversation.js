// The middle: the messages of one place, oldest first, and what Slack refused among them.

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

  /** Shows a message, in the place of its former self if there is one. */
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

  /** Takes a message away. */
  drop(ts) {
    this.drawn.get(ts)?.remove();
    this.drawn.delete(ts);
  }

  /** Says something that only the page says. */
  say(words, how) {
    this.add(note(words, how));
  }

  /** Shows what Slack refused. */
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

  /** Adds, and keeps the newest in sight if one was looking at the end. */
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
      ? "Files and alerts come here. Commands work here as well."
      : `Type ${all.command} or press an example below. Answers are only visible to you, until you add “share”.`;
    return el("div", { class: "beginning" }, el("h2", { text: title }),
      el("p", { text: about }),
      el("p", { text: all.greeting }),
      el("p", { text: "Look through other eyes: choose who you are at the lower end of the sidebar." }));
  }
}

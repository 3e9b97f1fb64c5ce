// The workspace as the server reports it, the current user and the current conversation.

import { look } from "./api.js";

export class World {
  constructor() {
    this.all = null;
    this.place = null;
    this.unread = new Set();
    this.names = {
      user: (id) => this.all?.users[id]?.name,
      channel: (id) => this.all?.channels.find((channel) => channel.id === id)?.name,
    };
  }

  /** Reads everything anew, as seen by this person (by id or name). */
  async load(person) {
    const known = this.all?.people.find(({ id, name }) => person === id || person === name);
    this.all = await look("everything", { person: known?.id ?? person ?? "" });
    if (person && this.person.id !== person && this.person.name !== person) {
      const named = this.all.people.find(({ name }) => name === person);
      if (named) this.all = await look("everything", { person: named.id });
    }
  }

  get person() {
    return this.all.people.find(({ id }) => id === this.all.person);
  }

  /** Everywhere that one can go, in the order of the sidebar. */
  get places() {
    const channels = this.all.channels.filter(({ kind }) => kind !== "im");
    const dm = this.all.channels.find(({ kind }) => kind === "im");
    return [...channels, { id: "home", name: "home", kind: "home" }, { ...dm, name: "messages" }];
  }

  /** The place of this id or name, else the first channel that everybody is in. */
  find(wanted) {
    const { places } = this;
    return places.find(({ id, name }) => id === wanted || name === wanted)
      ?? places.find(({ name }) => name === "general") ?? places[0];
  }

  /** A person's full name, or the bot's. */
  name(id) {
    return this.all.users[id]?.real ?? "Somebody";
  }

  /** What the menus of people and channels offer. */
  choices(kind) {
    const option = (value, text) => ({ value, text: { text } });
    if (kind.includes("users")) return this.all.people.map(({ id, real }) => option(id, real));
    return this.all.channels.filter((channel) => channel.kind !== "im")
      .map(({ id, name }) => option(id, `#${name}`));
  }
}

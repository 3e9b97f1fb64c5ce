// The sidebar: the bot's status, the conversations, and the current user.

import { by, el, face, icon } from "./dom.js";

const ICONS = { public: "hash", private: "lock", home: "home", im: "chat" };

/** The display name of a conversation. */
export const label = ({ kind, name }) =>
  ({ home: "Activity: Home", im: "Activity" })[kind] ?? `#${name}`;

/** Redraws the lists. */
export function drawSidebar(world, onGo, onShortcut) {
  by("team").textContent = world.all.team;
  const entry = (place) => {
    const current = place.id === world.place?.id;
    const unread = !current && world.unread.has(place.id);
    const words = place.kind === "home" ? "Activity: Home" : place.kind === "im" ? "Activity: Messages" : place.name;
    return el("li", {}, el("button", {
      type: "button", class: `go${unread ? " unread" : ""}`, "data-place": place.id,
      "aria-current": current ? "page" : undefined, on: { click: () => onGo(place.id) },
    }, icon(ICONS[place.kind]), el("span", { text: words }),
    place.shared && el("em", { text: "shared" }),
    unread && el("span", { class: "dot", role: "img", "aria-label": "unread" })));
  };
  const app = ({ kind }) => kind === "home" || kind === "im";
  by("channels").replaceChildren(...world.places.filter((place) => !app(place)).map(entry));
  const shortcut = ({ id, name }) => el("li", {}, el("button", {
    type: "button", class: "go", "data-shortcut": id, title: "A global shortcut",
    on: { click: () => onShortcut(id, name) },
  }, icon("bolt"), el("span", { text: name }), el("em", { text: "shortcut" })));
  by("apps").replaceChildren(...world.places.filter(app).map(entry),
    ...(world.all.shortcuts ?? []).map(shortcut));
}

/** Draws the choice of people. */
export function drawPeople(world, onPerson) {
  const option = ({ id, real, role }) =>
    el("option", { value: id, text: role ? `${real} (${role})` : real });
  const [first, rest] = [true, false].map((has) => world.all.people.filter(({ role }) => Boolean(role) === has));
  const box = by("person");
  box.replaceChildren(el("optgroup", { label: "Suggested" }, first.map(option)),
    el("optgroup", { label: "Everyone else" }, rest.map(option)));
  box.value = world.all.person;
  box.onchange = () => onPerson(box.value);
  by("person-face").replaceChildren(face(world.person.real, world.person.id));
}

/** Draws the controls that exist only in the demo. */
export function drawControls(world, onControl) {
  const all = world.all.controls ?? [];
  by("controls").hidden = !all.length;
  by("controls").replaceChildren(...all.map(({ name, label: words }) =>
    el("button", { type: "button", class: "control", text: words, on: { click: () => onControl(name, words) } })));
}

/** The drawer of narrow screens. */
export function openSidebar(open) {
  document.body.classList.toggle("drawer", open);
  by("shade").hidden = !open;
  by("menu").setAttribute("aria-expanded", String(open));
  if (open) by("sidebar").querySelector("button, select").focus();
}

const STATES = {
  starting: ["wait", "The bot is starting"],
  up: ["good", "The bot is running"],
  down: ["bad", "The bot is stopped"],
  lost: ["bad", "No connection"],
};

/** The bot's status: a light, words, and sync progress. */
export function drawStatus({ state, progress }) {
  const syncing = state === "syncing";
  const percent = Math.round((progress ?? 0) * 100);
  const [light, words] = syncing ? ["wait", `First sync, ${percent}%`] : STATES[state];
  by("status").replaceChildren(el("span", {}, el("i", { class: `light ${light}` }), words),
    ...(syncing ? [el("progress", { max: 100, value: percent, "aria-label": "First sync" })] : []));
  by("status").dataset.state = state;
}

const BANNERS = {
  down: "The bot has stopped. Messages won't be answered until it's back.",
  lost: "The demo isn't running. Start it again and this page reconnects by itself.",
};

/** The banner above the conversation. */
export function drawBanner({ state }) {
  const banner = by("banner");
  const words = BANNERS[state] ?? "";
  if (banner.textContent !== words) banner.textContent = words;
  banner.hidden = !words;
}

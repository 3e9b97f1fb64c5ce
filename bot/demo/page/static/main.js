// Where everything is joined: the person, the place, what happens, and what is done.

import { act, listen } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { by, el, icon } from "./dom.js";
import { drawBlocks } from "./blocks.js";
import { Modal } from "./modal.js";
import { drawBanner, drawControls, drawPeople, drawSidebar, drawStatus, label, openSidebar } from "./sidebar.js";
import { World } from "./world.js";

const world = new World();
const conversation = new Conversation(by("log"), world, surfaceOf);
const composer = new Composer(world, send);
const modal = new Modal(world);
const chosen = new Map();
const carried = new Map();
let hangUp = () => {};

function surfaceOf(message) {
  const key = `${message.channel}/${message.ts}`;
  const blocks = (message.blocks ?? []).map(({ block_id: id }) => id).join();
  // what was chosen belongs to its block, and goes with it when the message changes
  if (carried.get(key) !== blocks) chosen.set(key, new Map());
  carried.set(key, blocks);
  const values = chosen.get(key);
  return {
    names: world.names, values, choices: (kind) => world.choices(kind),
    onReply: message.is_ephemeral ? null : () => composer.replyTo(message, world.names),
    onAction: (block, element, choice) => tell(act("click", {
      person: world.person.id, channel: message.channel, ts: message.ts, choice,
      block_id: block.block_id, action_id: element.action_id, values: Object.fromEntries(values),
    }), "That"),
  };
}

const WHY = {
  dispatch_failed: "the bot cannot be reached",
  operation_timeout: "the bot took longer than three seconds",
};

/** Waits for how the bot took it, and says so where it did not. */
async function tell(acting, what) {
  const { ok, error } = await acting;
  if (!ok) conversation.say(`${what} failed with the error “${error}”${WHY[error] ? `: ${WHY[error]}.` : ""}`);
}

function send(text, thread) {
  const { command } = world.all;
  const [word] = text.split(/\s/, 1);
  const wish = { person: world.person.id, channel: world.place.id, thread };
  if (!thread) by("log").scrollTop = by("log").scrollHeight;
  if (word === command && thread)
    conversation.say(`${word} is not supported in threads. Mention the bot: @activity`);
  else if (word === command) tell(act("command", { ...wish, text: text.slice(word.length).trim() }), command);
  else if (word.startsWith("/")) conversation.say(`${word} is not a valid command. Try ${command} help.`);
  else tell(act("say", { ...wish, text }), "Your message");
}

async function control(name, words) {
  openSidebar(false);
  await tell(act(name, { person: world.person.id, channel: world.place.id }), words);
}

async function shortcut(id, name) {
  openSidebar(false);
  await tell(act("shortcut", { person: world.person.id, callback_id: id }), name);
}

async function go(wanted, { focus = true } = {}) {
  const place = world.find(wanted);
  world.place = place;
  composer.replyTo(null);
  world.unread.delete(place.id);
  openSidebar(false);
  drawSidebar(world, go, shortcut);
  const home = place.kind === "home";
  by("log").hidden = by("composer").hidden = home;
  by("home").hidden = !home;
  by("place-name").replaceChildren(label(place));
  by("place-about").textContent = about(place);
  by("text").placeholder = `Message ${label(place)}, or type ${world.all.command}`;
  document.title = `${label(place)} | ${world.all.team}, Activity demo`;
  history.replaceState(null, "", `#${world.person.name}/${place.name}`);
  if (home) await showHome();
  else await conversation.show(place);
  if (focus && !matchMedia("(pointer: coarse)").matches) (home ? by("place-name") : by("text")).focus();
}

function about({ kind, members, shared, bot }) {
  if (kind === "home") return "Your usage, schedules and alerts";
  if (kind === "im") return "Direct messages between you and the bot";
  return [`${members} people`, kind === "private" && "private", shared && "shared with another company",
    !bot && "the bot isn't a member"].filter(Boolean).join(", ");
}

async function showHome() {
  drawHome();
  tell(act("home", { person: world.person.id }), "Opening the Home");
}

function drawHome() {
  const view = world.all.home;
  const surface = {
    names: world.names, values: new Map(), choices: (kind) => world.choices(kind),
    onAction: (block, element, choice) => act("click", {
      person: world.person.id, block_id: block.block_id, action_id: element.action_id, choice,
    }),
  };
  by("home").replaceChildren(...(view ? drawBlocks(view.blocks, surface) : [
    el("p", { class: "empty", text: "Nothing here yet. The bot fills your Home when you open it." })]));
}

async function be(person, { focus = false } = {}) {
  hangUp();
  await world.load(person);
  chosen.clear();
  drawPeople(world, (id) => be(id));
  drawControls(world, control);
  composer.drawExamples();
  by("keys").hidden = Boolean(world.person.hint);
  by("hint").hidden = !world.person.hint;
  by("hint").textContent = world.person.hint;
  const { run } = world.all;
  hangUp = listen(world.person.id, {
    onEvent: happened,
    onLost: () => status({ state: "lost" }),
    onOpen: async () => {
      await world.load(world.person.name);
      if (run !== world.all.run) return be(world.person.name);
      status(world.all.status);
      modal.show(world.all.views);
      await go(world.place?.id ?? place, { focus });
    },
  });
}

function status(now) {
  drawStatus(now);
  drawBanner(now);
}

const HAPPENED = {
  message: ({ message }) => (message.channel === world.place?.id
    ? conversation.put(message) : unread(message.channel)),
  deleted: ({ channel, ts }) => channel === world.place?.id && conversation.drop(ts),
  views: ({ views }) => modal.show(views),
  home: ({ view }) => {
    world.all.home = view;
    if (world.place?.kind === "home") drawHome();
  },
  refused: ({ refusal }) => {
    world.all.refusals.push(refusal);
    if (conversation.isHere(refusal)) conversation.refuse(refusal);
  },
  status: ({ status: now }) => status(now),
};

const happened = (event) => HAPPENED[event.kind]?.(event);

function unread(channel) {
  world.unread.add(channel);
  drawSidebar(world, go, shortcut);
}

by("menu").append(icon("menu"));
by("send").append(icon("send"));
by("menu").addEventListener("click", () => openSidebar(!document.body.classList.contains("drawer")));
by("shade").addEventListener("click", () => openSidebar(false));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openSidebar(false);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!event.altKey || !step || !world.place) return;
  event.preventDefault();
  const { places } = world;
  const at = places.findIndex(({ id }) => id === world.place.id);
  go(places.at((at + step) % places.length).id);
});

drawStatus({ state: "starting" });
const [person, place] = decodeURIComponent(location.hash.slice(1)).split("/");
be(person, { focus: true });

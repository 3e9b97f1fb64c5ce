// One message: who, when, its blocks or text, its files; and what only the page itself says.

import { drawBlocks } from "./blocks.js";
import { clock, moment } from "./dates.js";
import { el, face, icon } from "./dom.js";
import { file } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";

/** A message as its reader sees it. */
export function message(one, surface, people) {
  const bot = Boolean(one.bot_id);
  const who = people.name(one.user);
  const body = one.blocks?.length
    ? drawBlocks(one.blocks, surface)
    : one.text && el("div", { class: "block words" }, mrkdwn(one.text, surface.names));
  return el("article", {
    class: `message${one.is_ephemeral ? " ephemeral" : ""}`, "data-ts": one.ts, tabindex: -1,
    "aria-label": `${who}, ${clock(one.ts)}${one.is_ephemeral ? ", only visible to you" : ""}`,
  },
  bot ? el("img", { class: "face", src: "activity.svg", alt: "" }) : face(who, one.user),
  el("div", { class: "message-body" },
    one.is_ephemeral && el("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
    one.typed && el("p", { class: "typed" }, el("strong", { text: people.name(one.typed.user) }),
      " used ", el("code", { text: one.typed.text })),
    el("header", {},
      el("strong", { class: "who", text: who }), bot && el("span", { class: "app", text: "APP" }),
      el("time", { text: clock(one.ts), title: moment(one.ts) })),
    body,
    one.files && el("div", { class: "files" }, one.files.map(file)),
    one.edited && el("small", { class: "edited", text: "(edited)" }),
    surface.onReply && el("button", {
      type: "button", class: "reply", text: "Reply in thread", on: { click: surface.onReply },
    })));
}

/** What Slack refused, for the bot's developer: the error, where, and what was sent. */
export function refusal({ method, error, problems, at, sent }) {
  return el("article", { class: "refusal", role: "alert" },
    icon("stop"),
    el("div", {},
      el("header", {}, el("strong", { text: "Slack rejected " }), el("code", { text: method }),
        el("strong", { text: `: ${error}` }), el("time", { text: clock(at) })),
      problems.length > 0 && el("ul", {}, problems.map((words) => el("li", {}, el("code", { text: words })))),
      el("details", {}, el("summary", { text: "Payload" }),
        el("pre", { text: JSON.stringify(sent, null, 2) }))));
}

/** What Slack itself tells a person: that something failed, or is not known. */
export function note(words, { bad = true } = {}) {
  return el("article", { class: `note${bad ? " bad" : ""}`, role: "alert" },
    icon(bad ? "stop" : "eye"), el("p", { text: words }));
}

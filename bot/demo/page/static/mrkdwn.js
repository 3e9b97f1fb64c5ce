// Slack's mrkdwn as elements. Whatever is not understood stays the text that it is.

import { slackDate } from "./dates.js";
import { el } from "./dom.js";
import { emoji } from "./emoji.js";

const INLINE = new RegExp([
  "`(?<code>[^`\\n]+)`",
  "<(?<angle>[^<>\\n]+)>",
  ":(?<emoji>[a-z0-9_+'-]+):",
  "(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
  "(?<![\\w_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
  "(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
].join("|"), "g");

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const decoded = (text) => text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);

/** A `mrkdwn` text; `names` finds people and channels by id. */
export function mrkdwn(text, names) {
  const drawn = document.createDocumentFragment();
  text.split("```").forEach((part, index, all) => {
    if (index % 2 && index < all.length - 1)
      drawn.append(el("pre", { text: decoded(part.replace(/^\n|\n$/g, "")) }));
    else drawn.append(...lines(index % 2 ? "```" + part : part, names));
  });
  return drawn;
}

/** A text object of either type. */
export function text(object, names) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : plain(object.text);
}

/** A `plain_text`: emoji and nothing else. */
export function plain(words) {
  const drawn = document.createDocumentFragment();
  drawn.append(words.replace(/:([a-z0-9_+'-]+):/g, (whole, name) => emoji(name) ?? whole));
  return drawn;
}

function* lines(part, names) {
  let quoted = [];
  const all = part.split("\n");
  for (const [index, line] of all.entries()) {
    const quote = line.match(/^&gt; ?(.*)$/);
    if (quote) quoted.push(quote[1]);
    if (quoted.length && (!quote || index === all.length - 1)) {
      yield el("blockquote", {}, ...between(quoted.map((words) => inline(words, names))));
      quoted = [];
    }
    if (!quote) {
      yield* inline(line, names);
      if (index < all.length - 1) yield el("br");
    }
  }
}

function between(parts) {
  return parts.flatMap((part, index) => (index ? [el("br"), ...part] : part));
}

function inline(words, names) {
  const drawn = [];
  let end = 0;
  for (const found of words.matchAll(INLINE)) {
    if (found.index > end) drawn.push(decoded(words.slice(end, found.index)));
    drawn.push(piece(found, names));
    end = found.index + found[0].length;
  }
  if (end < words.length) drawn.push(decoded(words.slice(end)));
  return drawn;
}

function piece(found, names) {
  const { code, angle, emoji: name, bold, italic, strike } = found.groups;
  if (code !== undefined) return el("code", { text: decoded(code) });
  if (angle !== undefined) return angled(angle, names);
  if (name !== undefined) return emoji(name) ?? found[0];
  if (bold !== undefined) return el("strong", {}, ...inline(bold, names));
  if (italic !== undefined) return el("em", {}, ...inline(italic, names));
  return el("s", {}, ...inline(strike, names));
}

function angled(inside, names) {
  const [target, label] = split(inside, "|");
  if (target.startsWith("@")) return mention(`@${names.user(target.slice(1)) ?? label ?? target}`);
  if (target.startsWith("#"))
    return mention(`#${names.channel(target.slice(1)) ?? label ?? "private channel"}`);
  if (target.startsWith("!date^")) {
    const [, seconds, pattern] = target.split("^");
    return el("time", { text: decoded(slackDate(seconds, pattern, label ?? "")) });
  }
  if (target.startsWith("!")) return mention(`@${target.slice(1).split("^")[0]}`);
  return link(decoded(target), decoded(label ?? target));
}

/** A link that opens beside the page; only addresses of the web and of people. */
export function link(address, label) {
  if (!/^(https?:|mailto:)/i.test(address)) return document.createTextNode(label);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", text: label });
}

function mention(words) {
  return el("span", { class: "mention", text: words });
}

function split(words, sign) {
  const at = words.indexOf(sign);
  return at < 0 ? [words] : [words.slice(0, at), words.slice(at + 1)];
}

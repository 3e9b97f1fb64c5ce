// The block `rich_text`, as it stands in messages and in the cells of tables.

import { slackDate } from "./dates.js";
import { el } from "./dom.js";
import { emoji } from "./emoji.js";
import { link } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code" };

/** The parts of a rich text. */
export function richText(block, names) {
  return block.elements.map((part) => PARTS[part.type]?.(part, names) ?? el("span"));
}

const leaves = (part, names) => part.elements.map((leaf) => styled(leaf, names));

const PARTS = {
  rich_text_section: (part, names) => el("span", { class: "rich" }, leaves(part, names)),
  rich_text_preformatted: (part, names) => el("pre", {}, leaves(part, names)),
  rich_text_quote: (part, names) => el("blockquote", {}, leaves(part, names)),
  rich_text_list: (part, names) =>
    el(part.style === "ordered" ? "ol" : "ul", { class: "rich-list" },
      part.elements.map((item) => el("li", {}, leaves(item, names)))),
};

function styled(leaf, names) {
  let drawn = LEAVES[leaf.type]?.(leaf, names) ?? document.createTextNode(leaf.text ?? "");
  for (const [style, tag] of Object.entries(STYLES))
    if (leaf.style?.[style]) drawn = el(tag, {}, drawn);
  return drawn;
}

const LEAVES = {
  link: (leaf) => link(leaf.url, leaf.text ?? leaf.url),
  emoji: (leaf) => document.createTextNode(emoji(leaf.name) ?? `:${leaf.name}:`),
  user: (leaf, names) =>
    el("span", { class: "mention", text: `@${names.user(leaf.user_id) ?? leaf.user_id}` }),
  channel: (leaf, names) =>
    el("span", { class: "mention", text: `#${names.channel(leaf.channel_id) ?? "channel"}` }),
  date: (leaf) =>
    document.createTextNode(slackDate(leaf.timestamp, leaf.format, leaf.fallback ?? "")),
};

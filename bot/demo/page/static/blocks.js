// Block Kit as elements. `surface` says who is named, what was chosen, and takes actions.

import { chart } from "./chart.js";
import { control } from "./controls.js";
import { el } from "./dom.js";
import { pictureOf } from "./files.js";
import { mrkdwn, plain, text } from "./mrkdwn.js";
import { richText } from "./rich_text.js";
import { dataTable, table } from "./tables.js";

/** All blocks of a message, a modal or a home. */
export function drawBlocks(blocks, surface) {
  return blocks.map((block) => {
    const draw = BLOCKS[block.type];
    const drawn = draw ? draw(block, surface) : unknown(block);
    drawn.classList.add("block", `block-${block.type}`);
    return drawn;
  });
}

function section(block, surface) {
  const { names } = surface;
  return el("div", {},
    el("div", { class: "section-body" },
      block.text && el("div", { class: "words" }, text(block.text, names)),
      block.fields && el("div", { class: "fields" },
        block.fields.map((one) => el("div", { class: "words" }, text(one, names))))),
    block.accessory && el("div", { class: "accessory" }, control(block, block.accessory, surface)));
}

function context(block, { names }) {
  return el("div", {}, block.elements.map((one) => (one.type === "image"
    ? pictureOf(one) : el("span", { class: "words" }, text(one, names)))));
}

function actions(block, surface) {
  return el("div", {}, block.elements.map((one) => control(block, one, surface)));
}

function image(block) {
  return el("figure", {}, block.title && el("figcaption", {}, plain(block.title.text)),
    pictureOf(block));
}

function input(block, surface) {
  const dispatches = Boolean(block.dispatch_action);
  const asking = dispatches ? { ...surface, dispatches } : { ...surface, onAction: async () => {} };
  const label = block.label.text;
  const drawn = control(block, block.element, { ...asking, label });
  const wrong = surface.errors?.[block.block_id];
  const id = `${block.block_id}-about`;
  const field = drawn.matches("input, select, textarea");
  drawn.setAttribute("aria-label", label);
  drawn.setAttribute("aria-describedby", id);
  if (field && !block.optional) drawn.required = true;
  if (wrong) drawn.setAttribute("aria-invalid", "true");
  return el("div", { class: wrong ? "wrong" : undefined },
    el(field ? "label" : "div", { class: "input-label" },
      el("span", { text: label }, block.optional && el("small", { text: " (optional)" })), drawn),
    el("div", { id, class: "about" },
      block.hint && el("small", {}, plain(block.hint.text)),
      wrong && el("strong", { role: "alert", text: wrong })));
}

function container(block, surface) {
  const inside = drawBlocks(block.child_blocks, surface);
  const title = block.title?.text ?? block.title;
  return el("section", {}, title && el("h4", { text: title }), inside);
}

function unknown(block) {
  return el("details", { class: "undrawn" },
    el("summary", { text: `Unsupported block type: ${block.type}` }),
    el("pre", { text: JSON.stringify(block, null, 2) }));
}

const BLOCKS = {
  section,
  context,
  actions,
  image,
  input,
  container,
  header: (block) => el("h3", {}, plain(block.text.text)),
  divider: () => el("hr"),
  markdown: (block, { names }) => el("div", { class: "words" }, mrkdwn(block.text, names)),
  rich_text: (block, { names }) => el("div", { class: "words" }, richText(block, names)),
  table: (block, { names }) => table(block, names),
  data_table: (block, { names }) => dataTable(block, names),
  data_visualization: (block) => chart(block),
  alert: (block, { names }) =>
    el("div", { class: `alert-${block.level ?? "default"}`, role: "note" }, text(block.text, names)),
};

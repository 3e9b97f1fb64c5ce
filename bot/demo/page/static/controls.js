// What people press, choose and fill in. Each calls `surface.onAction(block, element, choice)`.

import { confirmed } from "./confirm.js";
import { el, icon } from "./dom.js";
import { pictureOf } from "./files.js";
import { plain, text } from "./mrkdwn.js";

/** An interactive element (or a picture) of a block; null for a kind that is not drawn. */
export function control(block, element, surface) {
  const draw = KINDS[element.type];
  return draw ? draw(block, element, surface) : el("span", {
    class: "undrawn", text: `${element.type} is not drawn here`,
  });
}

async function chosen(block, element, surface, choice, source) {
  if (element.confirm && !(await confirmed(element.confirm))) return false;
  surface.values.set(element.action_id, choice);
  source?.setAttribute("aria-busy", "true");
  await surface.onAction(block, element, choice);
  source?.removeAttribute("aria-busy");
  return true;
}

/** What stands in the control: chosen before, else its initial value. */
function held(element, surface) {
  if (surface.values.has(element.action_id)) return surface.values.get(element.action_id);
  if (element.initial_option) return element.initial_option.value;
  if (element.initial_options) return element.initial_options.map(({ value }) => value);
  const given = Object.keys(element).find((name) => name.startsWith("initial_"));
  return given ? element[given] : null;
}

function button(block, element, surface) {
  const press = (event) => {
    if (element.url) window.open(element.url, "_blank", "noopener,noreferrer");
    chosen(block, element, surface, null, event.currentTarget);
  };
  return el("button", {
    type: "button", class: `button ${element.style ?? ""}`,
    "aria-label": element.accessibility_label, "data-action": element.action_id,
    on: { click: press },
  }, plain(element.text.text));
}

const option = ({ text: words, value }) => el("option", { value }, plain(words.text));

function grouped(element, surface) {
  if (element.option_groups)
    return element.option_groups.map((group) =>
      el("optgroup", { label: group.label.text }, group.options.map(option)));
  return (element.options ?? surface.choices(element.type)).map(option);
}

function select(block, element, surface) {
  const many = element.type.startsWith("multi_");
  const label = element.placeholder?.text ?? surface.label ?? "Choose";
  const box = el("select", {
    class: "select", multiple: many, size: many ? 4 : undefined, "aria-label": label, "data-action": element.action_id,
  }, many ? [] : el("option", { value: "", text: label }), grouped(element, surface));
  const set = () => {
    const value = held(element, surface);
    for (const one of box.options)
      one.selected = many ? (value ?? []).includes(one.value) : one.value === (value ?? "");
  };
  set();
  box.addEventListener("change", async () => {
    const values = [...box.selectedOptions].map(({ value }) => value);
    const choice = many ? values : values[0] || null;
    if (!(await chosen(block, element, surface, choice, box))) set();
  });
  return box;
}

function overflow(block, element, surface) {
  const menu = el("ul", { class: "menu", role: "menu", hidden: true });
  const opener = el("button", {
    type: "button", class: "button more", "aria-haspopup": "menu", "aria-expanded": "false",
    "aria-label": "More actions", "data-action": element.action_id,
  }, icon("more"));
  const show = (open) => {
    menu.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) menu.querySelector("button").focus();
  };
  const items = element.options.map((one) => el("li", { role: "none" }, el("button", {
    type: "button", role: "menuitem", on: {
      click: () => {
        show(false);
        opener.focus();
        if (one.url) window.open(one.url, "_blank", "noopener,noreferrer");
        chosen(block, element, surface, one.value, opener);
      },
    },
  }, plain(one.text.text))));
  menu.append(...items);
  opener.addEventListener("click", () => show(menu.hidden));
  const place = el("span", { class: "overflow" }, opener, menu);
  place.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !menu.hidden) show(false), opener.focus(), event.stopPropagation();
    else if (step && at >= 0) {
      buttons.at((at + step) % buttons.length).focus();
      event.preventDefault();
    }
  });
  place.addEventListener("focusout", (event) => {
    if (!place.contains(event.relatedTarget)) show(false);
  });
  return place;
}

function ticked(block, element, surface) {
  const many = element.type === "checkboxes";
  const name = `${block.block_id}-${element.action_id}`;
  const value = held(element, surface);
  const place = el("div", { class: "ticks", role: many ? "group" : "radiogroup" });
  const boxes = element.options.map((one) => el("input", {
    type: many ? "checkbox" : "radio", name, value: one.value,
    "data-action": `${element.action_id}:${one.value}`,
    checked: many ? (value ?? []).includes(one.value) : value === one.value,
  }));
  place.append(...element.options.map((one, index) => el("label", {}, boxes[index],
    el("span", {}, text(one.text, surface.names),
      one.description && el("small", {}, text(one.description, surface.names))))));
  place.addEventListener("change", () => {
    const values = boxes.filter(({ checked }) => checked).map((box) => box.value);
    chosen(block, element, surface, many ? values : values[0] ?? null, place);
  });
  return place;
}

function field(kind, read = (value) => value || null, write = (value) => value ?? "") {
  return (block, element, surface) => {
    const tag = element.multiline ? "textarea" : "input";
    const box = el(tag, {
      class: "field", type: tag === "input" ? kind : undefined, rows: element.multiline ? 4 : undefined,
      placeholder: element.placeholder?.text, minlength: element.min_length,
      maxlength: element.max_length, min: element.min_value, max: element.max_value,
      step: kind === "number" && element.is_decimal_allowed ? "any" : undefined,
      "data-action": element.action_id,
    });
    box.value = write(held(element, surface));
    const act = () => chosen(block, element, surface, read(box.value), box);
    box.addEventListener("input", () => surface.values.set(element.action_id, read(box.value)));
    if (kind !== "text") box.addEventListener("change", act);
    const when = element.dispatch_action_config?.trigger_actions_on ?? [];
    if (surface.dispatches && when.includes("on_enter_pressed"))
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        act();
      });
    return box;
  };
}

const toSeconds = (value) => (value ? Math.floor(new Date(value).getTime() / 1000) : null);
const fromSeconds = (value) => {
  if (!value) return "";
  const date = new Date(value * 1000);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

const KINDS = {
  button,
  overflow,
  image: (_, element) => pictureOf(element),
  radio_buttons: ticked,
  checkboxes: ticked,
  datepicker: field("date"),
  timepicker: field("time"),
  datetimepicker: field("datetime-local", toSeconds, fromSeconds),
  plain_text_input: field("text"),
  number_input: field("number"),
  email_text_input: field("email"),
  url_text_input: field("url"),
};
for (const what of ["static", "users", "channels", "conversations"])
  for (const many of ["", "multi_"]) KINDS[`${many}${what}_select`] = select;

// The block `data_visualization`: bar, area, line and pie, drawn as Slack draws them.

import { drawAxes, drawSeries, layout, nearest } from "./axes.js";
import { el, svg } from "./dom.js";
import { pie } from "./pie.js";
import { short } from "./scale.js";

/** A chart with its title, its legend and its numbers as a table. */
export function chart(block) {
  const { title, chart: data } = block;
  const drawn = data.type === "pie" ? pie(data) : onAxes(data);
  return el("figure", { class: `chart chart-${data.type}` },
    el("figcaption", { text: title }), drawn, legend(data), numbers(data, title));
}

function onAxes(data) {
  const place = el("div", { class: "plot" });
  const tip = el("div", { class: "tip", hidden: true });
  const draw = (width) => {
    const frame = layout(data, width);
    const guide = svg("line", { class: "guide", y1: frame.top, y2: frame.bottom, visibility: "hidden" });
    const drawing = svg("svg",
      { viewBox: `0 0 ${width} ${frame.height}`, height: frame.height, width, role: "img",
        "aria-label": spoken(data) },
      drawAxes(data, frame), guide, drawSeries(data, frame));
    drawing.addEventListener("pointermove", (event) => point(data, frame, { event, drawing, guide, tip }));
    drawing.addEventListener("pointerleave", () => {
      tip.hidden = true;
      guide.setAttribute("visibility", "hidden");
    });
    place.replaceChildren(drawing, tip);
  };
  draw(600);
  let last = 600;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    if (width > 0 && width !== last) draw((last = width));
  }).observe(place);
  return place;
}

function point(data, frame, { event, drawing, guide, tip }) {
  const box = drawing.getBoundingClientRect();
  const index = nearest(frame, event.clientX - box.left);
  const x = frame.x(index);
  guide.setAttribute("x1", x);
  guide.setAttribute("x2", x);
  guide.setAttribute("visibility", data.type === "bar" ? "hidden" : "visible");
  const values = data.series
    .map((series, color) => ({ name: series.name, color, value: series.data[index].value }))
    .sort((a, b) => b.value - a.value);
  tip.replaceChildren(el("strong", { text: data.axis_config.categories[index] }),
    ...values.map(({ name, color, value }) => el("span", {},
      el("i", { class: `key color-${color}` }), el("span", { text: name }),
      el("b", { text: short(value) }))));
  tip.hidden = false;
  const side = x > frame.width / 2 ? x - tip.offsetWidth - 12 : x + 12;
  tip.style.left = `${Math.max(0, side)}px`;
}

function legend(data) {
  const entries = data.type === "pie" ? shares(data) : data.series.map(({ name }) => [name]);
  return el("ul", { class: "legend" }, entries.map(([name, share], color) => el("li", {},
    el("i", { class: `key color-${color}` }), el("span", { text: name }),
    share && el("b", { text: share }))));
}

function shares({ segments }) {
  const whole = segments.reduce((sum, { value }) => sum + value, 0);
  return segments.map(({ label, value }) =>
    [label, `${short(value)} (${Number(((100 * value) / whole).toPrecision(3))}%)`]);
}

function numbers(data, title) {
  if (data.type === "pie") return null;
  const heads = ["", ...data.series.map(({ name }) => name)];
  const details = el("details", { class: "numbers" },
    el("summary", { text: "Show the numbers" }));
  details.addEventListener("toggle", () => details.append(
    el("div", { class: "table", tabindex: 0, role: "region", "aria-label": `${title}, numbers` },
      el("table", {},
        el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", text: head })))),
        el("tbody", {}, data.axis_config.categories.map((category, row) => el("tr", {},
          el("th", { scope: "row", text: category }),
          data.series.map((series) =>
            el("td", { class: "align-right", text: short(series.data[row].value) })))))))),
  { once: true });
  return details;
}

function spoken({ type, series, axis_config: axis }) {
  const { categories } = axis;
  const sums = series.map(({ name, data }) =>
    `${name} ${short(data.reduce((sum, { value }) => sum + value, 0))}`);
  return `${type} chart, ${categories[0]} to ${categories.at(-1)}, in all: ${sums.join(", ")}`
    + (axis.y_label ? ` ${axis.y_label}` : "");
}

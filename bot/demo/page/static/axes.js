// Charts on two axes: where everything stands, the grid, and the series themselves.

import { svg } from "./dom.js";
import { short, ticks } from "./scale.js";

const LETTER = 6.1;
const HEIGHT = 232;

/** Where everything of a chart stands at this width, in pixels. */
export function layout(data, width) {
  const { categories, x_label: xLabel, y_label: yLabel } = data.axis_config;
  const values = data.series.flatMap((series) => series.data.map(({ value }) => value));
  const marks = ticks(Math.min(...values), Math.max(...values));
  const left = 10 + LETTER * Math.max(...marks.map((mark) => short(mark).length));
  const top = yLabel ? 24 : 10;
  const bottom = HEIGHT - (xLabel ? 42 : 24);
  const step = (width - left - 8) / categories.length;
  const [low, high] = [marks[0], marks.at(-1)];
  return {
    width, height: HEIGHT, left, right: width - 8, top, bottom, marks, step, categories,
    x: (index) => left + step * (index + 0.5),
    y: (value) => bottom - ((value - low) / (high - low)) * (bottom - top),
  };
}

/** The category that stands nearest to a place from the left. */
export function nearest(frame, x) {
  const index = Math.floor((x - frame.left) / frame.step);
  return Math.min(frame.categories.length - 1, Math.max(0, index));
}

/** The grid, and what is written on the axes. */
export function drawAxes(data, frame) {
  const { x_label: xLabel, y_label: yLabel } = data.axis_config;
  const widest = Math.max(...frame.categories.map((words) => words.length)) * LETTER + 12;
  const every = Math.max(1, Math.ceil(widest / frame.step));
  return svg("g", { class: "axes" },
    frame.marks.map((mark) => svg("line", {
      x1: frame.left, x2: frame.right, y1: frame.y(mark), y2: frame.y(mark),
      class: mark === 0 ? "zero" : "grid",
    })),
    frame.marks.map((mark) => svg("text", {
      x: frame.left - 6, y: frame.y(mark) + 4, "text-anchor": "end", text: short(mark),
    })),
    frame.categories.map((words, index) => (index % every ? null : svg("text", {
      x: within(frame.x(index), words, frame.width), y: frame.bottom + 17, "text-anchor": "middle",
      text: words,
    }))),
    yLabel && svg("text", { x: 0, y: 12, class: "label", text: yLabel }),
    xLabel && svg("text", {
      x: (frame.left + frame.right) / 2, y: frame.height - 4, "text-anchor": "middle",
      class: "label", text: xLabel,
    }));
}

/** The middle of words that may not stick out of the picture. */
function within(x, words, width) {
  const half = (words.length * LETTER) / 2;
  return Math.max(half, Math.min(width - half, x));
}

/** The series, the first on top. */
export function drawSeries(data, frame) {
  const draw = { bar: bars, line: lines, area: areas }[data.type];
  return svg("g", {}, data.series
    .map((series, color) => draw(series.data, color, frame, data.series.length))
    .reverse());
}

function bars(points, color, frame, count) {
  const room = Math.min(frame.step * 0.76, 44 * count);
  const wide = room / count;
  return svg("g", { class: `series color-${color}` }, points.map(({ value }, index) => {
    const [from, to] = [frame.y(0), frame.y(value)];
    return svg("rect", {
      x: frame.x(index) - room / 2 + wide * color, width: Math.max(wide - (count > 1 ? 1 : 0), 0.8),
      y: Math.min(from, to), height: Math.abs(from - to), rx: Math.min(2.5, wide / 4),
    });
  }));
}

function trace(points, frame) {
  return points.map(({ value }, index) =>
    `${index ? "L" : "M"}${frame.x(index).toFixed(1)} ${frame.y(value).toFixed(1)}`).join("");
}

function lines(points, color, frame) {
  const lone = points.length === 1;
  return svg("g", { class: `series color-${color}` },
    svg("path", { class: "line", d: trace(points, frame) }),
    points.map(({ value }, index) => svg("circle", {
      cx: frame.x(index), cy: frame.y(value), r: lone ? 4 : 2.1,
    })));
}

function areas(points, color, frame) {
  const shape = trace(points, frame);
  const [first, last] = [frame.x(0), frame.x(points.length - 1)];
  return svg("g", { class: `series color-${color}` },
    svg("path", { class: "area", d: `${shape}L${last} ${frame.y(0)}L${first} ${frame.y(0)}Z` }),
    svg("path", { class: "line", d: shape }));
}

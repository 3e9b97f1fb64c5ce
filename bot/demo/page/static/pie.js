// The pie: a ring of segments, clockwise from the top.

import { svg } from "./dom.js";
import { short } from "./scale.js";

const [OUTER, INNER] = [90, 52];

/** The ring alone; its legend says the shares. */
export function pie({ segments }) {
  const whole = segments.reduce((sum, { value }) => sum + value, 0);
  let begun = 0;
  const paths = segments.map(({ label, value }, color) => {
    const from = begun / whole;
    begun += value;
    return svg("path", { class: `slice color-${color}`, d: slice(from, begun / whole) },
      svg("title", { text: `${label}: ${short(value)}` }));
  });
  const spoken = segments.map(({ label, value }) => `${label} ${short(value)}`).join(", ");
  return svg("svg", {
    viewBox: "-100 -100 200 200", class: "ring", role: "img", "aria-label": `pie chart: ${spoken}`,
  }, paths, svg("text", { "text-anchor": "middle", y: 6, class: "whole", text: short(whole) }));
}

function slice(from, to) {
  const until = to - from > 0.9999 ? from + 0.9999 : to;
  const large = until - from > 0.5 ? 1 : 0;
  const at = (turn, radius) => {
    const angle = 2 * Math.PI * turn - Math.PI / 2;
    return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${at(from, OUTER)}A${OUTER} ${OUTER} 0 ${large} 1 ${at(until, OUTER)}`
    + `L${at(until, INNER)}A${INNER} ${INNER} 0 ${large} 0 ${at(from, INNER)}Z`;
}

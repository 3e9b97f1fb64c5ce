// Numbers for axes: round steps, and short words.

/** Round values from 0 (or below) to above the largest, about `count` of them. */
export function ticks(smallest, largest, count = 4) {
  const low = Math.min(0, smallest);
  const span = Math.max(largest, 0) - low || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.floor(low / step);
  const last = Math.ceil((low + span) / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];

/** Three significant digits with K, M, B. */
export function short(value) {
  const size = Math.abs(value);
  const [by, unit] = UNITS.find(([least]) => size >= least) ?? [1, ""];
  return `${Number((value / by).toPrecision(3))}${unit}`;
}

// The blocks `table` and `data_table`.

import { el } from "./dom.js";
import { richText } from "./rich_text.js";

/** A table block: its first row are the heads. */
export function table(block, names) {
  const settings = block.column_settings ?? [];
  return drawn(block.rows, names, {
    cellClass: (_, column) => [
      settings[column]?.align && `align-${settings[column].align}`,
      settings[column]?.is_wrapped && "wrapped",
    ].filter(Boolean).join(" "),
  });
}

/** A data table: captioned, and sorted by the column whose head is pressed. */
export function dataTable(block, names) {
  const place = el("div");
  const [heads, ...rows] = block.rows;
  const show = (sorted, by, direction) => place.replaceChildren(drawn([heads, ...sorted], names, {
    caption: block.caption,
    cellClass: (cell) => (cell.type === "raw_number" ? "align-right" : ""),
    sorting: { by, direction },
    onHead: (column) => {
      const next = column === by && direction === "descending" ? "ascending" : "descending";
      show(order(rows, column, next), column, next);
    },
  }));
  show(rows);
  return place;
}

function order(rows, column, direction) {
  const sign = direction === "descending" ? -1 : 1;
  const numeric = rows.every((row) => row[column].type === "raw_number");
  const compare = numeric
    ? (a, b) => a[column].value - b[column].value
    : (a, b) => words(a[column]).localeCompare(words(b[column]));
  return [...rows].sort((a, b) => sign * compare(a, b));
}

const words = (cell) => cell.text ?? (cell.value === undefined ? "" : String(cell.value));

function drawn([heads, ...rows], names, { caption, cellClass, sorting, onHead }) {
  const cell = (tag, more) => (one, column) =>
    el(tag, { class: cellClass(one, column) || undefined, ...more?.(column) },
      onHead && tag === "th" && more(column).scope === "col"
        ? el("button", { type: "button", class: "sort", on: { click: () => onHead(column) } },
          content(one, names))
        : content(one, names));
  const headProps = (column) => ({
    scope: "col",
    "aria-sort": sorting && sorting.by === column ? sorting.direction : undefined,
  });
  const body = rows.map((row) => el("tr", {}, row.map((one, column) =>
    column ? cell("td")(one, column) : cell("th", () => ({ scope: "row" }))(one, column))));
  return el("div", { class: "table", tabindex: 0, role: "region", "aria-label": caption ?? "Table" },
    el("table", {},
      caption && el("caption", { text: caption }),
      el("thead", {}, el("tr", {}, heads.map(cell("th", headProps)))),
      el("tbody", {}, body)));
}

function content(cell, names) {
  return cell.type === "rich_text" ? richText(cell, names) : [words(cell)];
}

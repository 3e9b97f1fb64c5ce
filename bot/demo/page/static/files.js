// Files in messages: pictures are shown, all can be opened and saved.

import { el, icon } from "./dom.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif"];
const address = (id, name = "picture") => `files/${encodeURIComponent(id)}/${encodeURIComponent(name)}`;

/** The picture of an image block or element; one from the web is only named. */
export function pictureOf(image) {
  const file = image.slack_file;
  if (file?.id) return el("img", { src: address(file.id), alt: image.alt_text });
  return el("span", { class: "undrawn", text: `${image.alt_text} (a picture from the web, not loaded here)` });
}

/** A file as it hangs under a message. */
export function file(one) {
  const url = address(one.id, one.name);
  const picture = PICTURES.includes(one.mimetype);
  const actions = el("span", { class: "file-actions" },
    el("a", { class: "button", href: url, target: "_blank", rel: "noopener", "aria-label": `Open ${one.name}` },
      icon("open"), el("span", { text: "Open" })),
    el("a", { class: "button", href: `${url}?download`, download: one.name, "aria-label": `Download ${one.name}` },
      icon("down"), el("span", { text: "Download" })));
  const card = el("div", { class: `file file-${ending(one.name)}` },
    el("span", { class: "file-icon", "aria-hidden": "true" }, icon("file"), el("b", { text: ending(one.name) })),
    el("span", { class: "file-name" }, el("strong", { text: one.title || one.name, title: one.name }),
      el("small", { text: `${one.title === one.name ? "" : `${one.name}, `}${size(one.size)}` })),
    actions);
  if (!picture) return card;
  return el("div", { class: "pictured" }, card,
    el("a", { href: url, target: "_blank", rel: "noopener" },
      el("img", { src: url, alt: one.alt_txt || one.title || one.name })));
}

const ending = (name) => (name.includes(".") ? name.split(".").pop().toLowerCase().slice(0, 4) : "file");

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

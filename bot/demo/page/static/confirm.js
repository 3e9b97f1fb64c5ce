// The question that an element may ask before it does what it does.

import { by, el } from "./dom.js";
import { plain, text } from "./mrkdwn.js";

const names = { user: () => null, channel: () => null };

/** Asks; resolves to whether the person agreed. */
export function confirmed(question) {
  const dialog = by("confirm");
  return new Promise((resolve) => {
    const end = (answer) => () => {
      dialog.close();
      resolve(answer);
    };
    dialog.replaceChildren(
      el("h2", { id: "confirm-title" }, plain(question.title.text)),
      el("p", {}, text(question.text, names)),
      el("footer", {},
        el("button", { type: "button", class: "button", on: { click: end(false) } },
          plain(question.deny?.text ?? "Cancel")),
        el("button", {
          type: "button", class: `button ${question.style ?? "primary"}`, on: { click: end(true) },
        }, plain(question.confirm?.text ?? "Yes"))));
    dialog.oncancel = end(false);
    dialog.showModal();
  });
}

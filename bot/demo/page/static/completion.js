// Which words could come next. Pure: text in, options out.

const MOST = 8;

/** `{from, options}`: what could stand from `from` to the end of what is typed. */
export function complete(typed, command, words) {
  if (!typed.startsWith("/")) return { from: 0, options: [] };
  if (!typed.includes(" ")) {
    const fits = command.startsWith(typed) && typed !== command;
    return { from: 0, options: fits ? [{ text: command, hint: "what OpenRouter was used for" }] : [] };
  }
  if (!typed.startsWith(`${command} `)) return { from: 0, options: [] };
  return question(typed, command.length + 1, words);
}

function question(typed, start, words) {
  const rest = typed.slice(start).replace(/"[^"]*"/g, (quoted) => quoted.replaceAll(" ", "_"));
  const last = start + rest.lastIndexOf(" ") + 1;
  const before = start + rest.slice(0, Math.max(0, last - start - 1)).lastIndexOf(" ") + 1;
  const asked = ` ${typed.slice(start).toLowerCase()} `;
  for (const from of new Set([before, last])) {
    const fragment = typed.slice(from).toLowerCase();
    if (from !== last && !fragment.includes(" ")) continue;
    const options = words.filter(({ text }) => fits(text.toLowerCase(), fragment, asked));
    options.sort((a, b) => Number(begins(b.text, fragment)) - Number(begins(a.text, fragment)));
    if (options.length) return { from, options: options.slice(0, MOST) };
  }
  return { from: last, options: [] };
}

const begins = (text, fragment) => text.toLowerCase().startsWith(fragment);

function fits(text, fragment, asked) {
  if (text === fragment || (!fragment && (text.endsWith(":") || asked.includes(` ${text} `)))) return false;
  if (text.startsWith(fragment)) return true;
  const [kind, name] = text.split(/:(.*)/s);
  const [wantedKind, wanted] = fragment.split(/:(.*)/s);
  return Boolean(name) && kind === wantedKind && wanted !== undefined && name.includes(wanted.replace(/["*]/g, ""));
}

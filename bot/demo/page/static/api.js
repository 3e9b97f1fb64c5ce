// Talking to the page's own server, and to nobody else.

async function answerOf(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error || `The server answered ${response.status}.`);
  return body;
}

const AGAIN = 1000;
const rest = () => new Promise((resolve) => setTimeout(resolve, AGAIN));

/** Something to see, by its path and what it is asked with; waits for a server that is away. */
export async function look(path, asked = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(asked)}`).catch(() => null);
  if (response) return answerOf(response);
  await rest();
  return look(path, asked);
}

/** Something to do; resolves to how the bot took it: `{ok, error}`. */
export async function act(name, wish) {
  try {
    return await answerOf(await fetch(`do/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(wish),
    }));
  } catch (failed) {
    return { ok: false, error: failed.message };
  }
}

/** Calls `onEvent` with all that happens; comes back by itself when the line breaks. */
export function listen(person, { onOpen, onEvent, onLost }) {
  let source;
  let timer;
  let ended = false;

  const connect = () => {
    source = new EventSource(`events?${new URLSearchParams({ person })}`);
    source.onopen = () => onOpen();
    source.onmessage = ({ data }) => onEvent(JSON.parse(data));
    source.onerror = () => {
      source.close();
      if (ended) return;
      onLost();
      timer = setTimeout(connect, AGAIN);
    };
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    source.close();
  };
}

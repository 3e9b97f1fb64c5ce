const by = (id) => document.getElementById(id);
const json = async (url, body) => (await fetch(url, body && {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).json();
const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
let events;

async function show() {
  const query = new URLSearchParams({ person: by("person").value, channel: by("channel").value });
  const messages = await json(`messages?${query}`);
  by("messages").replaceChildren(...messages.map((one) =>
    Object.assign(document.createElement("pre"), { textContent: one.text })));
}

async function begin() {
  const all = await json(`everything?person=${by("person").value}`);
  by("person").replaceChildren(...all.people.map((one) => option(one.id, `${one.real} ${one.role}`)));
  by("person").value = all.person;
  by("channel").replaceChildren(...all.channels.map((one) => option(one.id, one.name)));
  by("status").textContent = all.status.state;
  events?.close();
  events = new EventSource(`events?person=${all.person}`);
  events.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind === "status") by("status").textContent = JSON.stringify(event.status);
    else show();
  };
  show();
}

by("person").onchange = begin;
by("channel").onchange = show;
by("box").onsubmit = (event) => {
  event.preventDefault();
  json("do/command", { person: by("person").value, channel: by("channel").value,
    text: by("text").value.replace(/^\/\S+\s*/, "") });
};
begin();

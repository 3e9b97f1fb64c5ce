// Moments as Slack writes them for each reader, in the reader's own zone and words.

const DAY = 86_400_000;
const format = (options) => new Intl.DateTimeFormat("en-US", options);
const DATE = format({ month: "long", day: "numeric", year: "numeric" });
const SHORT = format({ month: "short", day: "numeric", year: "numeric" });
const LONG = format({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
const TIME = format({ hour: "numeric", minute: "2-digit" });
const SECONDS = format({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const NEAR = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);

function pretty(date, otherwise, today = new Date()) {
  const days = Math.round((midnight(date) - midnight(today)) / DAY);
  return Math.abs(days) > 1 ? otherwise.format(date) : NEAR.format(days, "day");
}

const TOKENS = {
  date_num: (date) => date.toISOString().slice(0, 10),
  date: (date) => DATE.format(date),
  date_short: (date) => SHORT.format(date),
  date_long: (date) => LONG.format(date),
  date_pretty: (date) => pretty(date, DATE),
  date_short_pretty: (date) => pretty(date, SHORT),
  date_long_pretty: (date) => pretty(date, LONG),
  time: (date) => TIME.format(date),
  time_secs: (date) => SECONDS.format(date),
};

/** What `<!date^seconds^format|fallback>` shows; the fallback where it cannot be read. */
export function slackDate(seconds, pattern, fallback) {
  const date = new Date(Number(seconds) * 1000);
  if (!pattern || Number.isNaN(date.getTime())) return fallback;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(TOKENS, name) ? TOKENS[name](date) : whole);
}

/** The time of day of a message's `ts`. */
export const clock = (ts) => TIME.format(new Date(Number(ts) * 1000));

/** A whole moment, for titles. */
export const moment = (ts) => {
  const date = new Date(Number(ts) * 1000);
  return `${LONG.format(date)} at ${SECONDS.format(date)}`;
};

/** The day of a message's `ts`, for the line between days. */
export function day(ts) {
  const words = pretty(new Date(Number(ts) * 1000), LONG);
  return words[0].toUpperCase() + words.slice(1);
}

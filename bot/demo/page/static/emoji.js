// The few emoji that the bot names; others stay as they are written.

const EMOJI = {
  warning: "⚠️", rotating_light: "🚨", bell: "🔔", no_bell: "🔕", chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉", bar_chart: "📊", moneybag: "💰", money_with_wings: "💸",
  calendar: "📅", spiral_calendar_pad: "🗓️", clock9: "🕘", hourglass_flowing_sand: "⏳",
  hourglass: "⌛", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔",
  information_source: "ℹ️", bulb: "💡", page_facing_up: "📄", paperclip: "📎", mag: "🔍",
  gear: "⚙️", key: "🔑", robot_face: "🤖", bust_in_silhouette: "👤", busts_in_silhouette: "👥",
  lock: "🔒", eyes: "👀", wave: "👋", tada: "🎉", rocket: "🚀", fire: "🔥", wastebasket: "🗑️",
  pencil2: "✏️", heavy_plus_sign: "➕", arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️",
  small_red_triangle: "🔺", small_red_triangle_down: "🔻", red_circle: "🔴",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠",
  large_blue_circle: "🔵", black_small_square: "▪️", point_right: "👉", speech_balloon: "💬",
};

/** The emoji of this name, or null. */
export const emoji = (name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : null);

// The turn clock: how long ago the last turn was, and when the next is due. In minutes, for it is read out.

import { clock, span } from "./words.js";

/** Due soon: within the last quarter of the interval, at most half an hour. */
const soonWithin = (interval_s) => Math.min(interval_s / 4, 1800);

/**
 * The clock's face.
 * @param state of a bed; its turn's times are epoch seconds or null.
 * @param now_s the bed's time.
 * @param sight "live", "none", "lost" or "waiting".
 * @returns {level: "off" | "ok" | "soon" | "over", since, what, verdict, times, share}: what to write, and the share
 *   of the interval that is gone, 0..1.
 */
export function turnFace(state, now_s, sight) {
  const { last_s = null, due_s = null, interval_h = null } = state?.turn ?? {};
  const off = { level: "off", since: "—", what: "", verdict: "No turn is due", times: "", share: 0 };
  if (sight === "waiting" || !state) return { ...off, verdict: "Waiting for the bed" };
  if (sight !== "live") {
    if (due_s === null) return { ...off, verdict: "The turn clock is not live" };
    const over = now_s >= due_s;
    return { ...off, level: over ? "over" : "off", verdict: `Turn ${over ? "was" : "is"} due at ${clock(due_s, now_s)}`,
      times: `By what was last seen${last_s === null ? "" : ` · last turn ${clock(last_s, now_s)}`}` };
  }
  if (last_s === null || due_s === null) return { ...off, verdict: state.occupancy === "out" ? "Nobody in bed" : "No turn clock yet" };
  const interval_s = interval_h ? interval_h * 3600 : Math.max(due_s - last_s, 1);
  const left_s = due_s - now_s;
  const level = left_s <= 0 ? "over" : left_s <= soonWithin(interval_s) ? "soon" : "ok";
  return {
    level,
    since: span(now_s - last_s).replace("less than a minute", "< 1 min"),
    what: "since the last turn",
    // Rounded up: "in 1 min" until the minute is over, then overdue
    verdict: level !== "over" ? `Turn due in ${span(Math.ceil(left_s / 60) * 60)}`
      : left_s > -60 ? "Turn due now" : `Turn overdue by ${span(-left_s)}`,
    times: `Last turn ${clock(last_s, now_s)} · due ${clock(due_s, now_s)}${interval_h ? ` · every ${Number(interval_h.toFixed(1))} h` : ""}`,
    share: Math.min(Math.max((now_s - last_s) / interval_s, 0), 1),
  };
}

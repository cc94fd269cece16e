// Whether what is known of a bed may be shown as now. Doubt counts as no.

export const SILENCE_S = 6;

/** When something came. Two clocks: the steady one may sleep with the machine, the other may be set. */
export const stamp = () => ({ steady_ms: performance.now(), wall_ms: Date.now() });

/** Seconds since then; where the clocks disagree, the longer time. */
export const secondsSince = ({ steady_ms, wall_ms }) =>
  Math.max(performance.now() - steady_ms, Date.now() - wall_ms, 0) / 1000;

/**
 * What the page may say of a bed.
 * @param entry {state, came}: the last message of this bed and when it came; undefined before the first.
 * @param link as of `Connection`.
 * @returns "live", "none" (the mat is silent), "lost" (the server is), or "waiting".
 */
export function sightOf(entry, link) {
  if (link !== "open" && link !== "connecting") return "lost";
  if (!entry) return "waiting";
  return entry.state.signal === "live" && secondsSince(entry.came) <= SILENCE_S ? "live" : "none";
}

/** The bed's own time now, epoch seconds: a tablet's clock may be wrong, and a replayed night is not today. */
export const bedNow = ({ state, came }) =>
  state.epoch_s === null ? Date.now() / 1000 : state.epoch_s + (state.age_s ?? 0) + secondsSince(came);

/** Seconds since the bed's last frame. */
export const frameAge = (entry) => (entry.state.age_s ?? 0) + secondsSince(entry.came);

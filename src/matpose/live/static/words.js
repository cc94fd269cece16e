// What the page says, in plain words; times are local, of 24 hours.

export const POSTURES = {
  supine: "On the back", prone: "On the front", left: "On the left side", right: "On the right side",
  sitting: "Sitting", empty: "Nobody in bed", unknown: "Posture not clear",
};

export const LANES = {
  supine: "Back", left: "Left", right: "Right", prone: "Front", sitting: "Sitting", empty: "Empty", unknown: "Unclear",
};

const FLAGS = {
  nan: "Cells without a reading: what lies on them is missing.",
  dead: "Dead cells under the body: readings there are missing.",
  stuck: "Cells that never change: their readings may be wrong.",
  saturated: "Cells at the mat's limit: the true pressure is higher.",
  hot: "Single cells far above their neighbours: peaks may be wrong.",
  negative: "Cells below zero: the mat may need zeroing.",
  wrong_size: "The mat sent a frame of the wrong size: it is not used.",
  corrupted: "A frame arrived damaged: it is not used.",
  outside: "Part of the weight lies beside the area that is analysed.",
  gap: "Frames were lost just before this one.",
  clock: "The mat's clock jumped: times may be wrong.",
};

/** Sentences for a frame's flags; that the bed is empty is said elsewhere. */
export const flagWords = (names) =>
  (names ?? []).filter((name) => name !== "empty_bed").map((name) => FLAGS[name] ?? `The readings are flagged: ${name}.`);

/** "left_forearm_hand" to "Left forearm and hand". */
export function partWords(name) {
  const words = { chest_belly: "chest and belly", left_forearm_hand: "left forearm and hand", right_forearm_hand: "right forearm and hand",
    left_heel_foot: "left heel and foot", right_heel_foot: "right heel and foot" }[name] ?? name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const SIDES = { supine: "the back", prone: "the front", left: "the left side", right: "the right side", sitting: "sitting" };

/** One sentence for an event. */
export function eventWords({ kind, detail }) {
  const { posture: to, from, why, side, seconds } = detail ?? {};
  const limb = side === "left" || side === "right" ? `${side} ` : "";
  switch (kind) {
    case "posture": return POSTURES[to] ?? POSTURES.unknown;
    case "turn":
      if (why === "offloaded") return "Pressure was moved: counts as a turn";
      if (!SIDES[to]) return "Turned";
      return SIDES[from] ? `Turned from ${SIDES[from]} to ${SIDES[to]}` : `Turned to ${SIDES[to]}`;
    case "turn_due": return "Turn was due";
    case "bed_exit": return "Left the bed";
    case "bed_entry": return "Came to bed";
    case "edge": return `At the ${limb}edge of the bed`;
    case "slid_down": return "Slid down towards the feet";
    case "heel_off": return `The ${limb}heel is off the mat`;
    case "heel_on": return `The ${limb}heel rests on the mat`;
    case "gap": return Number.isFinite(seconds) ? `No readings for ${span(seconds)}` : "Readings were missing";
    case "clock": return "The mat's clock jumped";
    case "no_signal": return "Signal lost";
    case "signal": return "Signal back";
    default: return String(kind).replaceAll("_", " ");
  }
}

/** Seconds as "2 h 05 min", "24 min" or "less than a minute"; whole minutes, rounded down. */
export function span(seconds) {
  const minutes = Math.floor(Math.max(seconds, 0) / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Seconds as "2:05" hours, where there is no room. */
export const brief = (seconds) => `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}`;

/** "5 s", then as `span`. */
export const age = (seconds) => (seconds < 60 ? `${Math.max(Math.floor(seconds), 0)} s` : span(seconds));

const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECOND = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });

/** Epoch seconds as "03:12"; with the day of the week where it is more than 20 hours from `near_s`. */
export function clock(epoch_s, near_s = epoch_s) {
  const date = new Date(epoch_s * 1000);
  return Math.abs(near_s - epoch_s) > 20 * 3600 ? `${DAY.format(date)} ${HOUR.format(date)}` : HOUR.format(date);
}

export const clockSeconds = (epoch_s) => SECOND.format(new Date(epoch_s * 1000));

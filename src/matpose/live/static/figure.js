// The body's outline from behind and from the front, part by part. Drawn for the viewer's left half, and mirrored.

const CENTRE = 100;
export const FIGURE_BOX = "22 0 156 436";

// Each part: its path in the viewer's left half (or across the middle) and where its number stands
const MIDDLE = {
  head: ["M100 6C119 6 124 22 122 36C120 52 110 62 100 62C90 62 80 52 78 36C76 22 81 6 100 6Z", 100, 36],
  upper_back: ["M87 74L113 74L127 90L132 114L131 136L69 136L68 114L73 90Z", 100, 108],
  lower_back: ["M69 139L131 139L127 162L131 180L69 180L73 162Z", 100, 160],
  sacrum: ["M85 183L115 183L112 212Q100 224 88 212Z", 100, 200],
  chest_belly: ["M87 74L113 74L127 90L132 114L127 162L131 184L136 215L113 226L87 226L64 215L69 184L73 162L68 114L73 90Z", 100, 140],
};
const SIDED = {
  shoulder: ["M84 74C68 77 52 80 47 98L46 116L65 116L70 90Z", 60, 98],
  hip: ["M69 183L82 183L85 214Q88 222 97 226L62 226Q60 204 69 183Z", 74, 207],
  upper_arm: ["M45 119L65 119L59 172L39 172Z", 52, 146],
  forearm_hand: ["M38 175L59 175L50 230Q51 250 42 258Q30 258 31 238Z", 45, 208],
  thigh: ["M62 229L97 229L96 262L92 302L68 302Q60 264 62 229Z", 79, 264],
  knee: ["M68 305L92 305L90 333L70 333Z", 80, 319],
  calf: ["M70 336L90 336Q93 362 86 394L74 394Q64 362 70 336Z", 79, 362],
  heel_foot: ["M74 397L86 397L90 416Q90 428 80 428L64 428Q60 420 70 410Z", 77, 416],
};
const NECK = "M90 56L110 56L112 74L88 74Z";
const FRONT = ["chest_belly"]; // and what a front shares with a back, below
const BACK = ["head", "upper_back", "lower_back", "sacrum"];

/** "M84 74C..." seen in a mirror. */
function mirrored(path) {
  let isX = false;
  return path.replace(/[A-Z]|-?[\d.]+/g, (token) => {
    if (/[A-Z]/.test(token)) {
      isX = true;
      return token;
    }
    const number = isX ? 2 * CENTRE - Number(token) : Number(token);
    isX = !isX;
    return `${number} `;
  });
}

/**
 * Outlines of one view.
 * @param view "back" or "front"; from behind, the person's left is at the viewer's left.
 * @returns {neck, parts: [{name, path, x, y}]}, names as in the server's parts.
 */
export function outlines(view) {
  const whole = view === "back" ? BACK : ["head", ...FRONT];
  const parts = whole.map((name) => ({ name, path: MIDDLE[name][0], x: MIDDLE[name][1], y: MIDDLE[name][2] }));
  for (const [part, [path, x, y]] of Object.entries(SIDED)) {
    if (part === "hip" && view === "front") continue; // the belly's outline covers the pelvis
    const [near, far] = view === "back" ? ["left", "right"] : ["right", "left"];
    parts.push({ name: `${near}_${part}`, path, x, y });
    parts.push({ name: `${far}_${part}`, path: mirrored(path), x: 2 * CENTRE - x, y });
  }
  return { neck: NECK, parts };
}

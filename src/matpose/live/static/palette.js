// Colours of pressure: matplotlib's magma at 17 places, as in the package's other pictures.

const STOPS = (
  "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 cf4070 e55064 f4695c fb8761 fea571 fec287 fde0a1 fcfdbf"
).split(" ").map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** 256 x 3 bytes, from no pressure to full scale. */
export const MAGMA = Uint8Array.from({ length: 768 }, (_, index) => {
  const along = (Math.floor(index / 3) / 255) * (STOPS.length - 1);
  const below = Math.min(Math.floor(along), STOPS.length - 2);
  const [one, other] = [STOPS[below][index % 3], STOPS[below + 1][index % 3]];
  return Math.round(one + (other - one) * (along - below));
});

/** Square root of the share of full scale, so that limbs show beside hips: 0..255. */
export const brightness = (share) => Math.round(255 * Math.sqrt(Math.min(Math.max(share, 0), 1)));

/** A share of full scale as a CSS colour. */
export function colour(share) {
  const at = 3 * brightness(share);
  return `rgb(${MAGMA[at]} ${MAGMA[at + 1]} ${MAGMA[at + 2]})`;
}

/** Whether dark letters read better upon it. */
export const isLight = (share) => brightness(share) > 165;

/** The next round number: full scales stay the same from frame to frame. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 3, 4, 6, 8, 10].find((step) => step * power >= value * (1 - 1e-9));
}

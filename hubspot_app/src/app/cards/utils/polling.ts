/** When to ask again while work is under way: after 2, 4, 8 and then every 15 seconds, for two minutes. */
const STEPS = [2, 4, 8, 15];
export const LIMIT_SECONDS = 120;

/** Seconds until the next look, or null when it is time to stop. `waited` is the sum so far; `wait` is what a rate
 * limit asks for. */
export const nextLook = (looks: number, waited: number, wait: number | null): number | null => {
  const step = STEPS[Math.min(looks, STEPS.length - 1)] ?? 15;
  const seconds = Math.max(step, Math.ceil(wait ?? 0));
  return waited + seconds <= LIMIT_SECONDS ? seconds : null;
};

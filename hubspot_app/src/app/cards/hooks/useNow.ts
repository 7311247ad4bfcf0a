import { useEffect, useState } from 'react';

const MINUTE_MS = 60_000;

/** The service's time of its answer, moved on each minute, so that "3 minutes ago" does not stand still on a page that
 * stays open all day. */
export const useNow = (answered: string): string => {
  const [tick, setTick] = useState({ answered, passed: 0 });
  useEffect(() => {
    const begun = Date.now();
    const ticking = setInterval(() => setTick({ answered, passed: Date.now() - begun }), MINUTE_MS);
    return () => clearInterval(ticking);
  }, [answered]);
  const passed = tick.answered === answered ? tick.passed : 0;
  return new Date(Date.parse(answered) + passed).toISOString();
};

/** Times as a person says them: how long ago, and the exact time in the clinic's zone. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface Clock {
  /** ISO 8601: what "now" is. */
  now: string;
  timeZone: string;
  locale: string | undefined;
}

const plural = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;

/** "Thu 26 Nov, 9:30 am"; with the year when it is not this one. */
export const exact = (iso: string, clock: Clock): string => {
  const at = parts(iso, clock);
  const year = at.year === parts(clock.now, clock).year ? '' : ` ${at.year}`;
  return `${at.weekday} ${at.day} ${at.month}${year}, ${hour(iso, clock)}`;
};

/** "3 minutes ago, 9:30 am"; the day instead once it is more than a day old. */
export const since = (iso: string, clock: Clock): string => {
  const age = Date.parse(clock.now) - Date.parse(iso);
  if (age >= DAY) {
    return exact(iso, clock);
  }
  return `${ageWords(age)}, ${hour(iso, clock)}`;
};

/** "3 minutes ago". */
export const ago = (iso: string, clock: Clock): string => ageWords(Date.parse(clock.now) - Date.parse(iso));

export const seconds = (number: number): string => {
  const whole = Math.max(1, Math.ceil(number));
  return whole < 90 ? plural(whole, 'second') : plural(Math.round(whole / 60), 'minute');
};

const ageWords = (age: number): string => {
  if (age < MINUTE) {
    return 'just now';
  }
  if (age < HOUR) {
    return `${plural(Math.floor(age / MINUTE), 'minute')} ago`;
  }
  return age < DAY ? `${plural(Math.floor(age / HOUR), 'hour')} ago` : `${plural(Math.floor(age / DAY), 'day')} ago`;
};

const parts = (iso: string, clock: Clock): Record<string, string> => {
  const options = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const;
  const found = format('en-US', { ...options, timeZone: clock.timeZone }).formatToParts(new Date(iso));
  return Object.fromEntries(found.map((part) => [part.type, part.value]));
};

/** The words are English, but 9:30 pm or 21:30 is the reader's own habit. */
const hour = (iso: string, clock: Clock): string => {
  const hour12 =
    clock.locale === undefined || format(clock.locale, { hour: 'numeric' }).resolvedOptions().hour12 !== false;
  const options = {
    hour: hour12 ? 'numeric' : '2-digit',
    minute: '2-digit',
    hour12,
    timeZone: clock.timeZone,
  } as const;
  // Newer runtimes put a narrow no-break space before am and pm.
  return format(hour12 ? 'en-US' : 'en-GB', options)
    .format(new Date(iso))
    .replace(/\s/gu, ' ')
    .toLowerCase();
};

/** A zone or locale that this runtime does not know falls back to UTC and English rather than to nothing at all. */
const format = (locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  try {
    return new Intl.DateTimeFormat(locale, options);
  } catch {
    return new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' });
  }
};

/** The pure parts: times, waiting, keys, addresses, decoding, previews. */
import { describe, expect, it, vi } from 'vitest';

import { baseUrl } from '../src/app/cards/utils/api';
import { cardDecoder } from '../src/app/cards/utils/decode';
import { newKey } from '../src/app/cards/utils/keys';
import { LIMIT_SECONDS, nextLook } from '../src/app/cards/utils/polling';
import { fullName, preview } from '../src/app/cards/utils/preview';
import { exact, seconds, since, type Clock } from '../src/app/cards/utils/times';
import { faultNotice, reviewNotice, shortId } from '../src/app/cards/utils/words';
import { BASE, linked, NOW, patient, review, STATES, work } from './answers';

const clock = (change: Partial<Clock> = {}): Clock => ({
  now: NOW,
  timeZone: 'Australia/Melbourne',
  locale: 'en-au',
  ...change,
});

describe('times', () => {
  it.each([
    ['2026-11-24T02:44:30Z', 'just now, 1:44 pm'],
    ['2026-11-24T02:46:00Z', 'just now, 1:46 pm'],
    ['2026-11-24T02:44:00Z', '1 minute ago, 1:44 pm'],
    ['2026-11-24T01:45:00Z', '1 hour ago, 12:45 pm'],
    ['2026-11-23T03:00:00Z', '23 hours ago, 2:00 pm'],
    ['2026-11-22T23:00:00Z', 'Mon 23 Nov, 10:00 am'],
    ['2025-11-30T13:05:00Z', 'Mon 1 Dec 2025, 12:05 am'],
  ])('%s is %s', (iso, text) => {
    expect(since(iso, clock())).toBe(text);
  });

  it('keeps the clinic on its own day, not the reader', () => {
    expect(exact('2026-11-25T22:30:00Z', clock({ timeZone: 'America/New_York' }))).toBe('Wed 25 Nov, 5:30 pm');
  });

  it('uses 24 hours where the reader does', () => {
    expect(exact('2026-11-25T22:30:00Z', clock({ locale: 'fr-fr' }))).toBe('Thu 26 Nov, 09:30');
    expect(exact('2026-11-25T13:05:00Z', clock({ locale: 'de' }))).toBe('Thu 26 Nov, 00:05');
    expect(exact('2026-11-25T22:30:00Z', clock({ locale: undefined }))).toBe('Thu 26 Nov, 9:30 am');
  });

  it('still shows a time when zone or locale are not known here', () => {
    expect(exact('2026-11-25T22:30:00Z', clock({ timeZone: 'Mars/Olympus', locale: '?' }))).toBe(
      'Wed 25 Nov, 10:30 pm',
    );
  });

  it.each([
    [0.2, '1 second'],
    [9, '9 seconds'],
    [89.5, '2 minutes'],
    [200, '3 minutes'],
  ])('%d seconds are %s', (number, text) => {
    expect(seconds(number)).toBe(text);
  });
});

describe('looking again', () => {
  it('grows, and stops', () => {
    expect([0, 1, 2, 3, 4, 50].map((looks) => nextLook(looks, 0, null))).toEqual([2, 4, 8, 15, 15, 15]);
    expect(nextLook(9, LIMIT_SECONDS - 15, null)).toBe(15);
    expect(nextLook(9, LIMIT_SECONDS - 14, null)).toBeNull();
  });

  it('never earlier than a limit asks for', () => {
    expect(nextLook(0, 0, 8.2)).toBe(9);
    expect(nextLook(3, 0, 1)).toBe(15);
    expect(nextLook(0, 0, 121)).toBeNull();
  });
});

describe('keys', () => {
  it('are fresh, also without crypto', () => {
    vi.stubGlobal('crypto', undefined);
    const keys = Array.from({ length: 500 }, newKey);
    expect(new Set(keys).size).toBe(500);
    expect(keys.every((key) => /^[A-Za-z0-9-]{16,64}$/.test(key))).toBe(true);
  });
});

it.each([
  [{ publicBaseUrl: 'https://app.example.com' }, 'https://app.example.com'],
  [{ publicBaseUrl: 'https://app.example.com//' }, 'https://app.example.com'],
  [{ publicBaseUrl: 'http://app.example.com' }, null],
  [{ publicBaseUrl: 5 }, null],
  [undefined, null],
])('the address in %o is %s', (variables, found) => {
  expect(baseUrl(variables)).toBe(found);
});

describe('preview of a push', () => {
  it('is in the order a person reads', () => {
    const plan = preview(
      { firstname: ' Ana ', lastname: 'Ruiz', email: 'a@x.example', phone: '9123', zip: '3065' },
      { date_of_birth: '1984-05-06' },
    );
    expect(plan).toEqual({
      parts: ['Ana Ruiz', 'a@x.example', '9123', '3065', 'birth date'],
      missing: [],
      absent: ['mobile phone'],
    });
  });

  it('knows an empty contact', () => {
    expect(preview({}, {})).toEqual({
      parts: [],
      missing: ['first name', 'last name'],
      absent: ['email', 'mobile phone', 'home phone', 'address', 'birth date'],
    });
    expect(fullName({ firstname: '', lastname: null })).toBeNull();
    expect(fullName({ lastname: 'Ruiz' })).toBe('Ruiz');
  });
});

describe('decoding', () => {
  const read = cardDecoder(BASE);

  it.each(Object.keys(STATES))('%s survives', (name) => {
    expect(read(JSON.parse(JSON.stringify(STATES[name])))).toEqual(STATES[name]);
  });

  it('takes an absent key for null, and ignores a new one', () => {
    const { now, actions } = linked();
    expect(read({ state: 'paused', now, actions, mood: 'calm' })).toMatchObject({
      state: 'paused',
      patient: null,
      work: null,
      message: null,
    });
  });

  const broken: [string, unknown][] = [
    ['nothing', null],
    ['a text', 'linked'],
    ['no clock', { ...linked(), now: undefined }],
    ['a clock that is none', { ...linked(), now: 'yesterday' }],
    ['no actions', { ...linked(), actions: undefined }],
    ['half the actions', { ...linked(), actions: { sync: { allowed: true } } }],
    ['linked to nothing', linked({ patient: null })],
    ['working on nothing', linked({ state: 'working' })],
    ['a limit without its end', linked({ state: 'rate_limited' })],
    ['a review of nothing', linked({ state: 'review' })],
    ['an id that is a number', linked({ patient: { ...patient, id: 5 as never } })],
    ['a link that is no link', linked({ patient: { ...patient, url: 'javascript:alert(1)' } })],
    ['a link to elsewhere', linked({ patient: { ...patient, url: 'https://cliniko.com.evil.example/patients/1' } })],
    [
      'a link with a password',
      linked({ patient: { ...patient, url: 'https://a:b@harbour.au1.cliniko.com/patients/1' } }),
    ],
    ['a review elsewhere', linked({ review: { ...review, url: 'https://app.example.com.evil.example/review' } })],
    ['an unknown action', linked({ work: work({ action: 'delete' as never }) })],
    ['an unknown status', linked({ sync: { status: 'Fine' as never, message: null, at: null } })],
    ['a negative wait', linked({ state: 'rate_limited', wait: { service: 'hubspot', seconds: -1 } })],
    ['labels that are none', linked({ patient: { ...patient, unlink: { fields: [1 as never], deals: 0 } } })],
  ];
  it.each(broken)('%s is no answer', (_name, value) => {
    expect(read(value)).toBeNull();
  });

  it('lets no link to a review through without knowing our address', () => {
    expect(cardDecoder(null)(STATES.review)).toBeNull();
  });
});

it('shows long ids by both ends', () => {
  expect(shortId('836447193021061')).toBe('836447…061');
  expect(shortId('123456789')).toBe('123456789');
});

it('has words for what it does not know', () => {
  expect(reviewNotice({ ...review, cause: 'of_a_newer_version' }).lines[0]).toContain('could not decide');
  expect(faultNotice('internal', false).title).toContain('cannot be shown');
});

/** The settings page: each state, and the sign-in link. */
import { Alert, LoadingSpinner, StatusTag, TableRow } from '@hubspot/ui-extensions';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { account, ACCOUNTS, NOW } from './answers';
import { button, openSettings, pass, Relay, response, seenButtons, settle, words, type Reply } from './harness';
import { onTheWire, useKeyOf, wire } from './vectors';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Page = ReturnType<typeof openSettings>;

const said = (page: Page) => words(page.getRootNode());
const marks = (page: Page) => seenButtons(page.getRootNode()).map((it) => `${it.text}${it.primary ? ' *' : ''}`);

const open = async (...replies: Reply[]) => {
  const page = openSettings(new Relay().replyWith(...replies));
  await settle();
  return page;
};

const press = async (page: Page, text: string) => {
  button(page.getRootNode(), text).node.trigger('onClick');
  await settle();
};

const LINK = {
  state: 'ready',
  url: 'https://app.example.com/signin/x1c9',
  now: NOW,
  expiresAt: '2026-11-24T02:50:00Z',
};

const EXPECTED: Record<keyof typeof ACCOUNTS, { says: string[]; buttons: string[] }> = {
  connected: {
    says: [
      'Connected',
      'Harbour Physio, harbour.au1.cliniko.com',
      'Since Tue 1 Sep, 10:00 am',
      '3 decisions and 2 records with a problem wait for a person.',
      'Checked every 15 minutes.',
    ],
    buttons: ['Check again', 'Get a sign-in link *'],
  },
  not_connected: { says: ['Not connected yet', 'Connect Cliniko'], buttons: ['Check again', 'Get a sign-in link *'] },
  reconnect_needed: {
    says: ['Cliniko no longer lets us in', 'Connect Cliniko'],
    buttons: ['Check again', 'Get a sign-in link *'],
  },
  paused: {
    says: ['Syncing is paused', 'Sign in below to resume it.'],
    buttons: ['Check again', 'Get a sign-in link *'],
  },
  not_allowed: { says: ['You may not see this here'], buttons: ['Check again'] },
  uninstalled: { says: ['CRMConnect is not installed any more'], buttons: ['Check again'] },
  error: { says: ['The state of the sync cannot be shown', 'Reference: unavailable'], buttons: ['Check again'] },
};

describe('each state', () => {
  it.each(Object.keys(ACCOUNTS))('%s', async (name) => {
    const page = await open(ACCOUNTS[name] as object);
    for (const text of EXPECTED[name]?.says ?? ['?']) {
      expect(said(page)).toContain(text);
    }
    expect(marks(page)).toEqual(EXPECTED[name]?.buttons);
    expect(said(page)).not.toMatch(/!|undefined|null|NaN/);
  });

  it('shows each stream on or off, with its last run and what is wrong', async () => {
    const page = await open(ACCOUNTS.connected as object);
    const rows = page.findAll(TableRow).map((row) => words(row as never).replace(/\n/g, ' | '));
    expect(rows).toEqual([
      'Records | State | In sync | Last run',
      'Patients | Needs you | 4,812, 2 with a problem | 3 minutes ago, 1:42 pm',
      'Contacts | Off | 0 | Not yet',
      'Appointments | Working | 31,077 | 18 minutes ago, 1:27 pm',
      'Invoices | Stopped | The Cliniko user of the API key may not read this list. | Enter a key of a user who may, on the set-up page. | 12,390 | Fri 20 Nov, 1:00 pm',
    ]);
  });

  it.each([
    [0, 0, null],
    [1, 0, '1 decision waits for a person.'],
    [0, 1, '1 record with a problem waits for a person.'],
    [1, 1, '1 decision and 1 record with a problem wait for a person.'],
  ])('%i decisions and %i issues', async (reviews, issues, text) => {
    const page = await open(account({ reviews, issues }));
    if (text === null) {
      expect(said(page)).not.toContain('for a person');
    } else {
      expect(said(page)).toContain(text);
    }
  });

  it('loads first, and says so', async () => {
    const page = await open(new Promise(() => undefined));
    expect(page.find(LoadingSpinner).props).toMatchObject({ label: 'Loading the state of the sync', showLabel: true });
    expect(onTheWire(page.relay.sent[0])).toEqual(wire('account'));
  });

  it('checks again', async () => {
    const page = await open(ACCOUNTS.paused as object, ACCOUNTS.connected as object);
    await press(page, 'Check again');
    expect(onTheWire(page.relay.sent[1])).toEqual(wire('account'));
    expect(page.find(StatusTag).text).toBe('Connected');
  });
});

describe('faults end in the error state', () => {
  it.each([
    ['an exception', new Error('timed out'), 'no_answer'],
    ['another status', response(503, {}), 'status_503'],
    ['no JSON', response(200, new SyntaxError('<')), 'not_json'],
    ['an unknown state', account({ state: 'sleeping' as never }), 'unknown_answer'],
    ['a stream of an unknown kind', account({ streams: [{ name: 'bookings' } as never] }), 'unknown_answer'],
  ] as [string, Reply, string][])('%s', async (_name, reply, code) => {
    const page = await open(reply, ACCOUNTS.connected as object);
    expect(said(page)).toContain('CRMConnect does not answer as it should');
    expect(said(page)).toContain(`Reference: ${code}`);
    expect(marks(page)).toEqual(['Try again *']);
    await press(page, 'Try again');
    expect(said(page)).toContain('Connected');
  });

  it('no address', async () => {
    const page = openSettings(new Relay(), {});
    await settle();
    expect(said(page)).toContain('This page does not know where to ask');
    expect(page.relay.sent).toEqual([]);
  });
});

describe('sign-in link', () => {
  it.each([
    ['connected', 'signin_dashboard', 'Open the dashboard'],
    ['paused', 'signin_dashboard', 'Open the dashboard'],
    ['not_connected', 'signin_onboarding', 'Open the set-up'],
    ['reconnect_needed', 'signin_onboarding', 'Open the set-up'],
  ])('%s', async (state, name, text) => {
    useKeyOf(name);
    const page = await open(ACCOUNTS[state] as object, LINK);
    expect(page.relay.sent).toHaveLength(1);
    await press(page, 'Get a sign-in link');
    expect(onTheWire(page.relay.sent[1])).toEqual(wire(name));
    const opener = button(page.getRootNode(), text);
    expect(opener.primary).toBe(true);
    expect(opener.node.props.href).toEqual({ url: LINK.url, external: true });
    expect(said(page)).toContain('The link works once, until Tue 24 Nov, 1:50 pm');
  });

  it('is for one use', async () => {
    const page = await open(ACCOUNTS.connected as object, LINK);
    await press(page, 'Get a sign-in link');
    await press(page, 'Open the dashboard');
    expect(marks(page)).toEqual(['Check again', 'Get a sign-in link *']);
  });

  it('goes away when its time is over', async () => {
    const page = await open(ACCOUNTS.connected as object, LINK);
    await press(page, 'Get a sign-in link');
    await pass(299);
    expect(marks(page)).toContain('Open the dashboard *');
    await pass(1);
    expect(marks(page)).toContain('Get a sign-in link *');
  });

  it('shows that it is being made, and asks once', async () => {
    const page = await open(ACCOUNTS.connected as object, new Promise(() => undefined));
    const { node } = button(page.getRootNode(), 'Get a sign-in link');
    node.trigger('onClick');
    node.trigger('onClick');
    await settle();
    expect(button(page.getRootNode(), 'Get a sign-in link').loading).toBe(true);
    expect(page.relay.sent).toHaveLength(2);
  });

  it('may be refused', async () => {
    const page = await open(ACCOUNTS.connected as object, {
      state: 'not_allowed',
      now: NOW,
      message: 'Only admins can.',
      remedy: 'Ask one.',
    });
    await press(page, 'Get a sign-in link');
    expect(page.find(Alert).props.title).toBe('Only admins can.');
    expect(said(page)).toContain('Ask one.');
  });

  it.each([
    ['an exception', new Error('x')],
    ['another status', response(500, LINK)],
    ['another host', { ...LINK, url: 'https://app.example.com.evil.example/signin/x' }],
    ['no https', { ...LINK, url: 'http://app.example.com/signin/x' }],
    ['a script', { ...LINK, url: 'javascript:alert(1)' }],
    ['ready without a link', { ...LINK, url: null }],
    ['ready without an end', { ...LINK, expiresAt: null }],
  ] as [string, Reply][])('fails: %s', async (_name, reply) => {
    const page = await open(ACCOUNTS.connected as object, reply, LINK);
    await press(page, 'Get a sign-in link');
    expect(page.find(Alert, { variant: 'danger' }).props.title).toContain('No link could be made');
    await press(page, 'Get a sign-in link');
    expect(marks(page)).toContain('Open the dashboard *');
  });
});

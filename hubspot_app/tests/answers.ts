/** Answers of our service as docs/card-api.md shows them, one per state. Invented people only. */
import type { AccountAnswer, CardAnswer, LinkedPatient, Work } from '../src/app/cards/types/card';

export const NOW = '2026-11-24T02:45:00Z';
export const BASE = 'https://app.example.com';

const may = { allowed: true, reason: null };

export const patient: LinkedPatient = {
  id: '836447193021061',
  url: 'https://harbour.au1.cliniko.com/patients/836447193021061',
  status: 'active',
  rule: 'email_and_names',
  syncedAt: '2026-11-24T02:42:00Z',
  nextVisitAt: '2026-11-25T22:30:00Z',
  lastVisitAt: '2026-11-12T01:00:00Z',
  visitsKnown: true,
  unlink: { fields: ['Email', 'Phone number', 'City'], deals: 14 },
};

export const clinikoContact = {
  id: '5512',
  url: 'https://harbour.au1.cliniko.com/contacts/5512',
  rule: 'new',
  syncedAt: '2026-11-22T03:00:00Z',
};

export const answer = (change: Partial<CardAnswer> = {}): CardAnswer => ({
  state: 'linked',
  now: NOW,
  timeZone: 'Australia/Melbourne',
  message: null,
  remedy: null,
  code: null,
  patient: null,
  clinikoContact: null,
  sync: null,
  work: null,
  wait: null,
  shared: null,
  review: null,
  actions: { sync: may, push: may, unlink: may },
  ...change,
});

export const work = (change: Partial<Work> = {}): Work => ({
  key: null,
  action: 'sync',
  status: 'running',
  startedAt: '2026-11-24T02:44:48Z',
  finishedAt: null,
  message: null,
  remedy: null,
  ...change,
});

export const linked = (change: Partial<CardAnswer> = {}): CardAnswer =>
  answer({ patient, sync: { status: 'Synced', message: null, at: '2026-11-24T02:42:00Z' }, ...change });

export const review = { count: 1, cause: 'doubtful_match', url: `${BASE}/review` };

export const STATES: Record<string, CardAnswer> = {
  linked: linked(),
  linked_contact_only: answer({ clinikoContact, sync: { status: 'Synced', message: null, at: null } }),
  linked_both: linked({ clinikoContact }),
  linked_shared_email: linked({ shared: { patients: 2 } }),
  linked_review: linked({ review: { ...review, cause: 'another_person', count: 2 } }),
  linked_archived: linked({ patient: { ...patient, status: 'archived', nextVisitAt: null } }),
  linked_history_unread: linked({
    patient: { ...patient, nextVisitAt: null, lastVisitAt: null, visitsKnown: false, syncedAt: null },
  }),
  linked_needs_attention: linked({
    sync: {
      status: 'Needs attention',
      message: 'HubSpot refuses the email address. Correct it in Cliniko; it will go through by itself.',
      at: NOW,
    },
  }),
  linked_push_failed: linked({
    work: work({
      action: 'push',
      status: 'failed',
      finishedAt: NOW,
      message: 'Cliniko refuses the mobile phone number.',
      remedy: 'Correct it on this contact, then push again.',
    }),
  }),
  linked_push_off: linked({
    actions: {
      sync: may,
      push: { allowed: false, reason: 'Sending to Cliniko is switched off for your clinic.' },
      unlink: may,
    },
  }),
  not_linked: answer({ state: 'not_linked' }),
  not_linked_unlinked: answer({ state: 'not_linked', sync: { status: 'Unlinked', message: null, at: NOW } }),
  shared_email: answer({
    state: 'shared_email',
    shared: { patients: 3 },
    review: { ...review, cause: 'shared_email' },
  }),
  review: answer({ state: 'review', review }),
  working_sync: linked({ state: 'working', work: work() }),
  working_push: answer({ state: 'working', work: work({ action: 'push', status: 'waiting' }) }),
  working_unlink: linked({ state: 'working', work: work({ action: 'unlink' }) }),
  rate_limited: linked({ state: 'rate_limited', work: work(), wait: { service: 'hubspot', seconds: 9 } }),
  rate_limited_cliniko: linked({ state: 'rate_limited', wait: { service: 'cliniko', seconds: 200 } }),
  paused: linked({ state: 'paused', message: 'Sam paused syncing on 20 November.' }),
  not_connected: answer({ state: 'not_connected' }),
  reconnect_needed: linked({ state: 'reconnect_needed' }),
  not_allowed: answer({ state: 'not_allowed' }),
  uninstalled: answer({ state: 'uninstalled' }),
  error: answer({
    state: 'error',
    message: 'Cliniko does not answer.',
    remedy: 'It is tried again by itself.',
    code: 'unavailable',
  }),
};

export const account = (change: Partial<AccountAnswer> = {}): AccountAnswer => ({
  state: 'connected',
  now: NOW,
  timeZone: 'Australia/Melbourne',
  message: null,
  remedy: null,
  code: null,
  intervalMinutes: 15,
  cliniko: { name: 'Harbour Physio', address: 'harbour.au1.cliniko.com', connectedAt: '2026-09-01T00:00:00Z' },
  streams: [
    {
      name: 'patients',
      on: true,
      status: 'needs_you',
      lastRunAt: '2026-11-24T02:42:00Z',
      records: 4812,
      issues: 2,
      message: null,
      remedy: null,
    },
    {
      name: 'contacts',
      on: false,
      status: 'not_run',
      lastRunAt: null,
      records: 0,
      issues: 0,
      message: null,
      remedy: null,
    },
    {
      name: 'appointments',
      on: true,
      status: 'working',
      lastRunAt: '2026-11-24T02:27:00Z',
      records: 31077,
      issues: 0,
      message: null,
      remedy: null,
    },
    {
      name: 'invoices',
      on: true,
      status: 'stopped',
      lastRunAt: '2026-11-20T02:00:00Z',
      records: 12390,
      issues: 0,
      message: 'The Cliniko user of the API key may not read this list.',
      remedy: 'Enter a key of a user who may, on the set-up page.',
    },
  ],
  reviews: 3,
  issues: 2,
  ...change,
});

const bare = { cliniko: null, streams: [], reviews: 0, issues: 0, intervalMinutes: null };

export const ACCOUNTS: Record<string, AccountAnswer> = {
  connected: account(),
  not_connected: account({ ...bare, state: 'not_connected' }),
  reconnect_needed: account({ state: 'reconnect_needed', reviews: 0, issues: 0 }),
  paused: account({ state: 'paused' }),
  not_allowed: account({ ...bare, state: 'not_allowed' }),
  uninstalled: account({ ...bare, state: 'uninstalled' }),
  error: account({ ...bare, state: 'error', code: 'unavailable' }),
};

/** Every text of the settings page, in one place. */
import type { AccountAnswer, Stream } from '../types/card';

export const LABELS = {
  loading: 'Loading the state of the sync',
  again: 'Try again',
  check: 'Check again',
  connection: 'Connection',
  streams: 'What is synced',
  getLink: 'Get a sign-in link',
} as const;

export interface Notice {
  variant: 'info' | 'warning' | 'danger';
  title: string;
  lines: string[];
}

export const STATES: Record<
  AccountAnswer['state'],
  { tag: 'success' | 'warning' | 'danger' | 'default'; words: string }
> = {
  connected: { tag: 'success', words: 'Connected' },
  not_connected: { tag: 'default', words: 'Not connected yet' },
  reconnect_needed: { tag: 'warning', words: 'Needs you' },
  paused: { tag: 'default', words: 'Paused' },
  not_allowed: { tag: 'default', words: 'Not shared with you' },
  uninstalled: { tag: 'danger', words: 'Not installed any more' },
  error: { tag: 'danger', words: 'Cannot be shown' },
};

const NOTICES: Partial<Record<AccountAnswer['state'], Notice>> = {
  not_connected: {
    variant: 'info',
    title: 'Cliniko is not connected yet',
    lines: [
      'Nothing has been synced so far.',
      'Sign in below to enter a Cliniko key. It takes a few minutes, and you see what would be written before anything is.',
    ],
  },
  reconnect_needed: {
    variant: 'warning',
    title: 'Cliniko no longer lets us in',
    lines: [
      'Syncing has stopped. Nothing is lost.',
      'Sign in below and enter a new Cliniko key; it goes on where it stopped.',
    ],
  },
  paused: {
    variant: 'info',
    title: 'Syncing is paused',
    lines: ['Nothing changes in HubSpot or Cliniko until it goes on.', 'Sign in below to resume it.'],
  },
  not_allowed: {
    variant: 'info',
    title: 'You may not see this here',
    lines: ['Your account does not share the state of the sync with you.', 'Ask an admin if you need it.'],
  },
  uninstalled: {
    variant: 'warning',
    title: 'CRMConnect is not installed any more',
    lines: [
      'It has no access to this HubSpot account, so nothing is synced.',
      'Install it again; the links come back.',
    ],
  },
  error: {
    variant: 'danger',
    title: 'The state of the sync cannot be shown',
    lines: [
      'Something is wrong on our side. Nothing was changed.',
      'Try again in a minute. If it stays, write to support.',
    ],
  },
};

export const stateNotice = (answer: AccountAnswer): Notice | null => {
  const own = NOTICES[answer.state];
  if (own === undefined) {
    return null;
  }
  const lines = [answer.message ?? own.lines[0], answer.remedy ?? own.lines[1]];
  return { ...own, lines: lines.filter((line): line is string => line !== undefined) };
};

export const faultNotice = (code: string): Notice =>
  code === 'no_address'
    ? {
        variant: 'danger',
        title: 'This page does not know where to ask',
        lines: ['It was uploaded without the address of CRMConnect. Tell support; reloading does not help.'],
      }
    : {
        variant: 'danger',
        title: 'CRMConnect does not answer as it should',
        lines: ['Nothing was changed.', 'Try again in a minute. If it stays, write to support.'],
      };

export const reference = (code: string): string => `Reference: ${code}`;

const records = (number: number, one: string, many: string): string =>
  number === 1 ? `1 ${one}` : `${number.toLocaleString('en')} ${many}`;

/** What waits for a person; null when nothing does. */
export const waitingWords = (reviews: number, issues: number): string | null => {
  const found = [
    reviews > 0 ? records(reviews, 'decision', 'decisions') : '',
    issues > 0 ? records(issues, 'record with a problem', 'records with a problem') : '',
  ].filter(Boolean);
  if (found.length === 0) {
    return null;
  }
  return `${found.join(' and ')} ${reviews + issues === 1 ? 'waits' : 'wait'} for a person. Sign in below to see them.`;
};

export const STREAMS: Record<Stream['name'], string> = {
  patients: 'Patients',
  contacts: 'Contacts',
  appointments: 'Appointments',
  invoices: 'Invoices',
};

export const STREAM_STATUS: Record<
  Stream['status'],
  { tag: 'success' | 'warning' | 'danger' | 'info' | 'default'; words: string }
> = {
  in_sync: { tag: 'success', words: 'In sync' },
  working: { tag: 'info', words: 'Working' },
  waiting: { tag: 'info', words: 'Waiting' },
  needs_you: { tag: 'warning', words: 'Needs you' },
  stopped: { tag: 'danger', words: 'Stopped' },
  not_run: { tag: 'default', words: 'Not run yet' },
};
export const OFF = 'Off';
export const COLUMNS = ['Records', 'State', 'In sync', 'Last run'] as const;
export const NEVER = 'Not yet';

export const streamRecords = (stream: Stream): string =>
  stream.issues > 0
    ? `${stream.records.toLocaleString('en')}, ${stream.issues.toLocaleString('en')} with a problem`
    : stream.records.toLocaleString('en');

export const every = (minutes: number): string =>
  `Checked every ${minutes} minutes. What is on or off is changed in CRMConnect.`;

export const SIGNIN: Record<'dashboard' | 'onboarding', { title: string; text: string; open: string }> = {
  dashboard: {
    title: 'CRMConnect dashboard',
    text: 'Every record, decision and setting, for this HubSpot account only.',
    open: 'Open the dashboard',
  },
  onboarding: {
    title: 'Connect Cliniko',
    text: 'Opens the set-up in CRMConnect, for this HubSpot account only.',
    open: 'Open the set-up',
  },
};

export const linkWords = (until: string): string =>
  `The link works once, until ${until}, and signs you in to this HubSpot account.`;
export const REFUSED = 'You may not sign in from here. Ask the person who installed CRMConnect.';
export const LINK_FAILED = 'No link could be made just now. Try again in a minute.';

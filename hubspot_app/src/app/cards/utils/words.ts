/** Every text of the card, in one place. Plain English, the clinic's words. */
import type { Action, CardAnswer, CardState, Review, SyncStatus, Wait } from '../types/card';
import { seconds } from './times';

export const APP = 'CRMConnect for Cliniko';
export const SETTINGS_PLACE = `Connected apps › ${APP} › Settings`;

export const LABELS = {
  loading: 'Loading the link to Cliniko',
  sync: 'Sync now',
  search: 'Search again',
  push: 'Push to Cliniko',
  unlink: 'Unlink…',
  review: 'Open the review',
  again: 'Try again',
  check: 'Check again',
  open: 'Open in Cliniko',
  patient: 'Patient',
  contact: 'Contact',
  status: 'Status',
  synced: 'Last synced',
  next: 'Next visit',
  last: 'Last visit',
} as const;

/** What is going on after a click, as a person would say it. */
export const DOING: Record<Action, string> = {
  sync: 'Syncing with Cliniko',
  push: 'Sending to Cliniko',
  unlink: 'Unlinking',
};

export const DONE: Record<Action, string> = {
  sync: 'In step with Cliniko.',
  push: 'Sent to Cliniko.',
  unlink: 'Unlinked. It can be undone in CRMConnect.',
};

export const FAILED: Record<Action, string> = {
  sync: 'The sync did not go through',
  push: 'Nothing was sent to Cliniko',
  unlink: 'The link is still there',
};

/** The stored matching rules in words; one that is newer than this card is simply not shown. */
export const RULES: Record<string, string> = {
  key: 'Matched by the Cliniko key on this contact.',
  email_and_names: 'Matched by email and name.',
  email_only: 'Matched by email; this contact had no name.',
  phone_and_names: 'Matched by phone and name.',
  review: 'Linked by a person in the review.',
  new: 'This contact was created from Cliniko.',
  new_without_email: 'This contact was created from Cliniko, where no email is known.',
  shared_email: 'Created from Cliniko as a contact of its own, because somebody else has the email.',
  separate: 'Created from Cliniko as a contact of its own, because somebody else has the email.',
  push: 'Linked when this contact was pushed to Cliniko.',
  import: 'Linked by an import.',
  merged_in_hubspot: 'Kept when two contacts were merged in HubSpot.',
};

export const TAGS: Record<SyncStatus, 'success' | 'warning' | 'danger' | 'info' | 'default'> = {
  Synced: 'success',
  'Sent to Cliniko': 'success',
  'Not sent to Cliniko': 'danger',
  'Waiting for review': 'warning',
  'Needs attention': 'warning',
  Unlinked: 'default',
};

export const NEEDS_A_PERSON: readonly SyncStatus[] = ['Not sent to Cliniko', 'Waiting for review', 'Needs attention'];

/** A patient who is not active any more is said so, because the contact stays as it is. */
export const PATIENT_STATUS: Record<string, string> = {
  archived: 'This patient is archived in Cliniko. The contact stays as it is.',
  merged: 'This patient was merged into another one in Cliniko. The contact stays as it is.',
  deleted: 'This patient is no longer in Cliniko. The contact stays as it is; you can unlink it.',
};

export interface Notice {
  variant: 'info' | 'warning' | 'danger';
  title: string;
  lines: string[];
}

/** States that need no more than a title, a sentence and a remedy. The service's own words win where it has any. */
const SIMPLE: Partial<Record<CardState, Notice>> = {
  paused: {
    variant: 'info',
    title: 'Syncing is paused',
    lines: ['Nothing changes in HubSpot or Cliniko until it goes on.', 'An admin can resume it in CRMConnect.'],
  },
  not_connected: {
    variant: 'info',
    title: 'Cliniko is not connected yet',
    lines: ['Nothing has been synced so far.', `An admin connects it under ${SETTINGS_PLACE}.`],
  },
  reconnect_needed: {
    variant: 'warning',
    title: 'Cliniko no longer lets us in',
    lines: ['Syncing has stopped. Nothing is lost.', `An admin enters a new Cliniko key under ${SETTINGS_PLACE}.`],
  },
  not_allowed: {
    variant: 'info',
    title: 'You may not see this here',
    lines: ['Your account does not share the link to Cliniko with you.', 'Ask an admin if you need it.'],
  },
  uninstalled: {
    variant: 'warning',
    title: 'CRMConnect is not installed any more',
    lines: [
      'It has no access to this HubSpot account, so nothing is synced.',
      'An admin can install it again; the links come back.',
    ],
  },
  error: {
    variant: 'danger',
    title: 'The link to Cliniko cannot be shown',
    lines: [
      'Something is wrong on our side. Nothing was changed.',
      'Try again in a minute. If it stays, write to support.',
    ],
  },
};

export const simpleNotice = (answer: CardAnswer): Notice | null => {
  const own = SIMPLE[answer.state];
  if (own === undefined) {
    return null;
  }
  const lines = [answer.message ?? own.lines[0], answer.remedy ?? own.lines[1]];
  return { ...own, lines: lines.filter((line): line is string => line !== undefined) };
};

export const waitNotice = (wait: Wait): Notice => ({
  variant: 'info',
  title: `${wait.service === 'hubspot' ? 'HubSpot' : 'Cliniko'} asked us to wait ${seconds(wait.seconds)}`,
  lines: ['It goes on by itself, nothing to do.'],
});

export const SLOW: Notice = {
  variant: 'info',
  title: 'This takes longer than usual',
  lines: ['It goes on by itself, also when you leave this page.'],
};

export const sharedNotice = (patients: number | null): Notice => ({
  variant: 'info',
  title: 'Several patients use this email',
  lines: [
    `${patients === null ? 'More than one' : patients} Cliniko patients have this contact's email address. Two people are never mixed, so none was linked by itself.`,
    'In the review you decide who this contact is.',
  ],
});

/** On a linked contact: why its email field is not the patient's. */
export const SHARED_LINKED =
  "Another contact already has this patient's email, so it is kept in the property Cliniko email.";

const CAUSES: Record<string, string> = {
  doubtful_match: 'A Cliniko patient has this email but another name or birth date.',
  shared_email: 'Several Cliniko patients share this email.',
  email_withheld: "Another contact already has this patient's email.",
  merged_in_hubspot: 'Two linked contacts were merged in HubSpot.',
  another_person: 'The name or birth date differs from the Cliniko patient: perhaps another person.',
  several_patients: 'More than one Cliniko patient could be this person.',
};

export const reviewNotice = (review: Review): Notice => ({
  variant: 'warning',
  title: review.count === 1 ? '1 decision waits for you' : `${review.count} decisions wait for you`,
  lines: [
    CAUSES[review.cause] ?? 'CRMConnect could not decide this by itself.',
    'Decide in the review; nothing is lost meanwhile.',
  ],
});

export const NOT_LINKED = 'No Cliniko patient is linked';
export const UNLINKED_BEFORE = 'It was unlinked by a person and will not be matched to the same patient again.';
export const pushNeeds = (missing: string[]): string =>
  `Push needs a ${missing.join(' and a ')}: Cliniko takes no patient without. Add it to this contact first.`;
export const pushFrom = (parts: string[]): string => `Push creates one from: ${parts.join(', ')}.`;
export const PUSH_LOOKS_FIRST = 'If Cliniko already has this person, they are linked and updated instead.';
export const notOnContact = (labels: string[]): string => `Not on this contact: ${labels.join(', ')}.`;
export const PREVIEW_LOADING = 'Reading what a push would send';
export const PREVIEW_UNKNOWN = "This contact's details could not be read, so the push cannot be previewed here.";

const FAULTS: Record<string, Notice> = {
  no_address: {
    variant: 'danger',
    title: 'This card does not know where to ask',
    lines: ['It was uploaded without the address of CRMConnect.', 'Tell support; reloading does not help.'],
  },
  no_answer: {
    variant: 'danger',
    title: 'CRMConnect does not answer',
    lines: ['The connection failed or took too long.', 'Try again in a minute.'],
  },
  unknown: {
    variant: 'danger',
    title: 'The answer could not be read',
    lines: [
      'CRMConnect answered in a way that this card does not know.',
      'Try again in a minute. If it stays, write to support.',
    ],
  },
  busy: {
    variant: 'danger',
    title: 'Too many requests at once',
    lines: ['HubSpot carries only so many at a time.', 'Try again in a few seconds.'],
  },
};

export const faultNotice = (code: string, maybeDone: boolean): Notice => {
  const kind = code === 'not_json' || code === 'unknown_answer' ? 'unknown' : code === 'status_429' ? 'busy' : code;
  const found = FAULTS[kind] ?? (SIMPLE.error as Notice);
  const first = maybeDone
    ? 'We do not know whether your click arrived. Trying again is safe: it is done once.'
    : found.lines[0];
  return { ...found, lines: [first ?? '', found.lines[1] ?? ''] };
};

export const reference = (code: string): string => `Reference: ${code}`;

export const unlinkWords = (name: string | null, patientId: string, fields: string[], deals: number) => ({
  title: `Unlink ${name ?? 'this contact'}?`,
  lines: [
    `The link between this contact and Cliniko patient ${patientId} ends. Both records stay; nothing is deleted.`,
    "The patient's number, link, status and visits are cleared from this contact, and the two are not matched again.",
    'When the patient next changes in Cliniko, they get a contact of their own.',
  ],
  restore: `Give back what was here before Cliniko`,
  restoreDetail: `${fields.length === 1 ? '1 field' : `${fields.length} fields`}: ${fields.join(', ')}`,
  deals: deals === 1 ? 'Move the 1 deal of this patient' : `Move the ${deals} deals of this patient`,
  dealsDetail: "They leave this contact and go to the patient's own one.",
  undo: 'You can undo this in CRMConnect.',
  confirm: `Unlink ${name ?? 'this contact'}`,
  keep: 'Keep the link',
});

export const NO_VISIT = 'None booked';
export const NO_LAST_VISIT = 'None yet';
export const VISITS_UNKNOWN = 'Still being read';
export const NEVER = 'Not yet';
export const startedWords = (ago: string): string => `Started ${ago}.`;

/** `836447…061`: long ids are told apart by both ends. */
export const shortId = (id: string): string => (id.length > 9 ? `${id.slice(0, 6)}…${id.slice(-3)}` : id);

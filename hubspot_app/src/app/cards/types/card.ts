/**
 * The contract between the card, the settings page and our service; docs/card-api.md says it in words.
 *
 * Business states come as HTTP 200 with `state`. Anything else (an exception, another status, JSON of another shape) is
 * a fault. A key that is absent counts as null. No answer holds a name, an address, a birth date or anything about a
 * treatment: only ids, times, states, counts and labels of properties.
 */

export type Action = 'sync' | 'push' | 'unlink';

/** What the card shows first. The blocks below go with it: a linked contact stays visible while the account is paused. */
export type CardState =
  | 'linked'
  | 'not_linked'
  | 'shared_email'
  | 'review'
  | 'working'
  | 'rate_limited'
  | 'paused'
  | 'not_connected'
  | 'reconnect_needed'
  | 'not_allowed'
  | 'uninstalled'
  | 'error';

/** `GET /card/contacts/<id>` and its three POSTs. */
export interface CardAnswer {
  state: CardState;
  /** Our clock, so that "3 minutes ago" is right on a computer whose clock is not. ISO 8601, UTC. */
  now: string;
  /** The clinic's zone; null: HubSpot's account zone. */
  timeZone: string | null;
  /** A plain sentence about this state and one that says what to do, where they are more exact than the card's own. */
  message: string | null;
  remedy: string | null;
  /** A short word to tell support; shown with `error`. */
  code: string | null;
  patient: LinkedPatient | null;
  clinikoContact: LinkedContact | null;
  sync: SyncNote | null;
  work: Work | null;
  wait: Wait | null;
  shared: SharedEmail | null;
  review: Review | null;
  actions: Record<Action, Permission>;
}

export interface LinkedPatient {
  id: string;
  /** The patient in Cliniko; null while the address of the Cliniko account is not known. */
  url: string | null;
  status: 'active' | 'archived' | 'merged' | 'deleted';
  /** Which matching rule made the link, as stored: see RULES in utils/words.ts. */
  rule: string | null;
  syncedAt: string | null;
  nextVisitAt: string | null;
  lastVisitAt: string | null;
  /** False while the history is still being read, so that "no visit" may not be true yet. */
  visitsKnown: boolean;
  /** What an unlink could undo, for the question before it. Labels of properties, never values. */
  unlink: { fields: string[]; deals: number };
}

export interface LinkedContact {
  id: string;
  url: string | null;
  rule: string | null;
  syncedAt: string | null;
}

/** The property `cliniko_sync_status`, its message, and when that was. */
export interface SyncNote {
  status: SyncStatus;
  message: string | null;
  at: string | null;
}

export type SyncStatus =
  'Synced' | 'Sent to Cliniko' | 'Not sent to Cliniko' | 'Waiting for review' | 'Needs attention' | 'Unlinked';

/** The newest request about this contact, by whomever; kept for ten minutes after it ended. */
export interface Work {
  /** The idempotency key of the click that asked for it; null when it was not a click. */
  key: string | null;
  action: Action;
  status: 'waiting' | 'running' | 'done' | 'failed';
  startedAt: string;
  finishedAt: string | null;
  /** How it ended, in plain words, and what to do if it failed. */
  message: string | null;
  remedy: string | null;
}

/** With `rate_limited`: the work goes on by itself after this. */
export interface Wait {
  service: 'hubspot' | 'cliniko';
  seconds: number;
}

/** Several Cliniko patients have this contact's email address. */
export interface SharedEmail {
  patients: number;
}

/** Decisions about this contact that wait for a person. */
export interface Review {
  count: number;
  cause: string;
  url: string;
}

/** May this button be pressed now, and if not, why in one sentence. */
export interface Permission {
  allowed: boolean;
  reason: string | null;
}

/** Bodies of the POSTs. The key is one per click: the relay repeats a request, and so does "Try again". */
export interface SyncRequest {
  idempotencyKey: string;
}

export interface PushRequest {
  idempotencyKey: string;
  target: 'patient' | 'contact';
}

export interface UnlinkRequest {
  idempotencyKey: string;
  /** Give the properties that came from this patient the value they had before. */
  restoreFields: boolean;
  /** Take the patient's deals off this contact; they go to the patient's own contact. */
  moveDeals: boolean;
}

/** `GET /card/account`, for the settings page. */
export interface AccountAnswer {
  state: 'connected' | 'not_connected' | 'reconnect_needed' | 'paused' | 'not_allowed' | 'uninstalled' | 'error';
  now: string;
  timeZone: string | null;
  message: string | null;
  remedy: string | null;
  code: string | null;
  /** Every how many minutes a stream runs. */
  intervalMinutes: number | null;
  cliniko: ClinikoAccount | null;
  streams: Stream[];
  /** Decisions and records that wait for a person. */
  reviews: number;
  issues: number;
}

export interface ClinikoAccount {
  name: string | null;
  /** `harbour.au1` of `harbour.au1.cliniko.com`. */
  address: string | null;
  connectedAt: string | null;
}

export interface Stream {
  name: 'patients' | 'contacts' | 'appointments' | 'invoices';
  on: boolean;
  status: 'in_sync' | 'working' | 'waiting' | 'needs_you' | 'stopped' | 'not_run';
  lastRunAt: string | null;
  /** Records in sync, and records left with an issue. */
  records: number;
  issues: number;
  message: string | null;
  remedy: string | null;
}

/** `POST /card/signin-link`: which of our pages the link opens. */
export interface SigninRequest {
  idempotencyKey: string;
  page: 'dashboard' | 'onboarding';
}

export interface SigninAnswer {
  state: 'ready' | 'not_allowed' | 'uninstalled';
  /** On our own host, good for one use until `expiresAt`; only with `ready`. */
  url: string | null;
  now: string;
  expiresAt: string | null;
  message: string | null;
  remedy: string | null;
}

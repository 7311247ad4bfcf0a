/** Our service's answer about a contact, checked key by key: an answer of another shape is a fault, not a guess. */
import type {
  Action,
  CardAnswer,
  CardState,
  LinkedContact,
  LinkedPatient,
  Permission,
  Review,
  SyncNote,
  SyncStatus,
  Wait,
  Work,
} from '../types/card';
import {
  bool,
  count,
  decode,
  list,
  maybeMoment,
  maybeText,
  moment,
  object,
  optional,
  text,
  webAddress,
  word,
} from './shape';

export const STATES: readonly CardState[] = [
  'linked',
  'not_linked',
  'shared_email',
  'review',
  'working',
  'rate_limited',
  'paused',
  'not_connected',
  'reconnect_needed',
  'not_allowed',
  'uninstalled',
  'error',
];
export const SYNC_STATUSES: readonly SyncStatus[] = [
  'Synced',
  'Sent to Cliniko',
  'Not sent to Cliniko',
  'Waiting for review',
  'Needs attention',
  'Unlinked',
];
const ACTIONS: readonly Action[] = ['sync', 'push', 'unlink'];

const inCliniko = (url: URL) => url.hostname.endsWith('.cliniko.com');

/** Decoder for answers of the service at `base`: links to our own pages have to lead there. */
export const cardDecoder = (base: string | null) =>
  decode((value): CardAnswer => {
    const answer: CardAnswer = {
      state: word(value.state, STATES),
      now: moment(value.now),
      timeZone: maybeText(value.timeZone),
      message: maybeText(value.message),
      remedy: maybeText(value.remedy),
      code: maybeText(value.code),
      patient: optional(value.patient, readPatient),
      clinikoContact: optional(value.clinikoContact, readContact),
      sync: optional(value.sync, readSync),
      work: optional(value.work, readWork),
      wait: optional(value.wait, readWait),
      shared: optional(value.shared, (one) => ({ patients: count(object(one).patients) })),
      review: optional(value.review, (one) => readReview(one, base)),
      actions: readActions(value.actions),
    };
    return complete(answer);
  });

/** A state without the block that it is about cannot be shown truthfully. */
const complete = (answer: CardAnswer): CardAnswer => {
  const needed: Partial<Record<CardState, unknown>> = {
    linked: answer.patient ?? answer.clinikoContact,
    working: answer.work,
    rate_limited: answer.wait,
    review: answer.review,
  };
  if (answer.state in needed) {
    object(needed[answer.state]);
  }
  return answer;
};

const readPatient = (value: unknown): LinkedPatient => {
  const it = object(value);
  const unlink = object(it.unlink);
  return {
    id: text(it.id),
    url: optional(it.url, (url) => webAddress(url, inCliniko)),
    status: word(it.status, ['active', 'archived', 'merged', 'deleted']),
    rule: maybeText(it.rule),
    syncedAt: maybeMoment(it.syncedAt),
    nextVisitAt: maybeMoment(it.nextVisitAt),
    lastVisitAt: maybeMoment(it.lastVisitAt),
    visitsKnown: bool(it.visitsKnown),
    unlink: { fields: list(unlink.fields, text), deals: count(unlink.deals) },
  };
};

const readContact = (value: unknown): LinkedContact => {
  const it = object(value);
  return {
    id: text(it.id),
    url: optional(it.url, (url) => webAddress(url, inCliniko)),
    rule: maybeText(it.rule),
    syncedAt: maybeMoment(it.syncedAt),
  };
};

const readSync = (value: unknown): SyncNote => {
  const it = object(value);
  return { status: word(it.status, SYNC_STATUSES), message: maybeText(it.message), at: maybeMoment(it.at) };
};

const readWork = (value: unknown): Work => {
  const it = object(value);
  return {
    key: maybeText(it.key),
    action: word(it.action, ACTIONS),
    status: word(it.status, ['waiting', 'running', 'done', 'failed']),
    startedAt: moment(it.startedAt),
    finishedAt: maybeMoment(it.finishedAt),
    message: maybeText(it.message),
    remedy: maybeText(it.remedy),
  };
};

const readWait = (value: unknown): Wait => {
  const it = object(value);
  return { service: word(it.service, ['hubspot', 'cliniko']), seconds: count(it.seconds) };
};

const readReview = (value: unknown, base: string | null): Review => {
  const it = object(value);
  return {
    count: count(it.count),
    cause: text(it.cause),
    url: webAddress(it.url, (url) => base !== null && url.href.startsWith(`${base}/`)),
  };
};

const readActions = (value: unknown): Record<Action, Permission> => {
  const it = object(value);
  return { sync: readPermission(it.sync), push: readPermission(it.push), unlink: readPermission(it.unlink) };
};

const readPermission = (value: unknown): Permission => {
  const it = object(value);
  return { allowed: bool(it.allowed), reason: maybeText(it.reason) };
};

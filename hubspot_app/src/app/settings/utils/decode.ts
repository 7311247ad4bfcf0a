/** Our service's answers to the settings page, checked key by key. */
import type { AccountAnswer, ClinikoAccount, SigninAnswer, Stream } from '../types/card';
import { bool, count, decode, list, maybeMoment, maybeText, moment, object, optional, webAddress, word } from './shape';

export const decodeAccount = decode((value): AccountAnswer => ({
  state: word(value.state, [
    'connected',
    'not_connected',
    'reconnect_needed',
    'paused',
    'not_allowed',
    'uninstalled',
    'error',
  ]),
  now: moment(value.now),
  timeZone: maybeText(value.timeZone),
  message: maybeText(value.message),
  remedy: maybeText(value.remedy),
  code: maybeText(value.code),
  intervalMinutes: optional(value.intervalMinutes, count),
  cliniko: optional(value.cliniko, readCliniko),
  streams: list(value.streams ?? [], readStream),
  reviews: count(value.reviews ?? 0),
  issues: count(value.issues ?? 0),
}));

const readCliniko = (value: unknown): ClinikoAccount => {
  const it = object(value);
  return { name: maybeText(it.name), address: maybeText(it.address), connectedAt: maybeMoment(it.connectedAt) };
};

const readStream = (value: unknown): Stream => {
  const it = object(value);
  return {
    name: word(it.name, ['patients', 'contacts', 'appointments', 'invoices']),
    on: bool(it.on),
    status: word(it.status, ['in_sync', 'working', 'waiting', 'needs_you', 'stopped', 'not_run']),
    lastRunAt: maybeMoment(it.lastRunAt),
    records: count(it.records),
    issues: count(it.issues),
    message: maybeText(it.message),
    remedy: maybeText(it.remedy),
  };
};

/** A sign-in link has to lead to the service that was asked; "ready" without link and end is no answer. */
export const signinDecoder = (base: string | null) =>
  decode((value): SigninAnswer => {
    const state = word(value.state, ['ready', 'not_allowed', 'uninstalled']);
    const ready = state === 'ready';
    return {
      state,
      url: ready ? webAddress(value.url, (url) => base !== null && url.href.startsWith(`${base}/`)) : null,
      now: moment(value.now),
      expiresAt: ready ? moment(value.expiresAt) : null,
      message: maybeText(value.message),
      remedy: maybeText(value.remedy),
    };
  });

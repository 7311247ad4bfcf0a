/** The only file that calls hubspot.fetch. HubSpot's servers carry the request to us, sign it and add who asks. */
import { hubspot } from '@hubspot/ui-extensions';

import type { Action, PushRequest, SigninRequest, SyncRequest, UnlinkRequest } from '../types/card';

/** We answer in well under a second; the relay's own repeat has to fit in as well. */
export const TIMEOUT_MS = 12_000;

/** What went wrong, in one word that may be shown: never a text of somebody else's. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    /** True when the request may have reached us all the same. */
    readonly maybeDone: boolean,
  ) {
    super(code);
    this.name = 'Fault';
  }
}

export interface Call {
  path: string;
  method: 'GET' | 'POST';
  body?: SyncRequest | PushRequest | UnlinkRequest | SigninRequest;
}

export const contactCall = (contactId: string): Call => ({
  path: `/card/contacts/${contactId}`,
  method: 'GET',
});

export const actionCall = (contactId: string, action: Action, body: NonNullable<Call['body']>): Call => ({
  path: `/card/contacts/${contactId}/${action}`,
  method: 'POST',
  body,
});

export const accountCall = (): Call => ({ path: '/card/account', method: 'GET' });

export const signinCall = (body: SigninRequest): Call => ({ path: '/card/signin-link', method: 'POST', body });

/** Our service's address, from the profile that the app was uploaded with. */
export const baseUrl = (variables: Record<string, unknown> | undefined): string | null => {
  const value = variables?.publicBaseUrl;
  return typeof value === 'string' && value.startsWith('https://') ? value.replace(/\/+$/, '') : null;
};

/** One request. An exception, a status other than 2xx and an answer that `decode` does not know all become a Fault. */
export const send = async <T>(base: string | null, call: Call, decode: (value: unknown) => T | null): Promise<T> => {
  if (base === null) {
    throw new Fault('no_address', false);
  }
  const options = call.body
    ? { method: call.method, timeout: TIMEOUT_MS, body: { ...call.body } }
    : { method: call.method, timeout: TIMEOUT_MS };
  const maybeDone = call.method === 'POST';
  let response: Response;
  try {
    response = await hubspot.fetch(base + call.path, options);
  } catch {
    throw new Fault('no_answer', maybeDone);
  }
  if (!response.ok) {
    throw new Fault(`status_${Number(response.status) || 0}`, maybeDone && response.status >= 500);
  }
  let value: unknown;
  try {
    value = await response.json();
  } catch {
    throw new Fault('not_json', maybeDone);
  }
  const answer = decode(value);
  if (answer === null) {
    throw new Fault('unknown_answer', maybeDone);
  }
  return answer;
};

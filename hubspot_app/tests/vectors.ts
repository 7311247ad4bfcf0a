/** The requests that the Python tests verify, byte by byte. */
import file from '../../tests/vectors/card_requests.json';
import type { Sent } from './harness';
import { vi } from 'vitest';

export interface Vector {
  name: string;
  url: string;
  method: string;
  body: string;
}

export const vectors: Vector[] = file.requests;

export const vector = (name: string): Vector => {
  const found = vectors.find((one) => one.name === name);
  if (found === undefined) {
    throw new Error(`no vector ${name}`);
  }
  return found;
};

/** Make the next click use the key of this vector. */
export const useKeyOf = (name: string): string => {
  const { idempotencyKey } = JSON.parse(vector(name).body) as { idempotencyKey: string };
  vi.spyOn(crypto, 'randomUUID').mockReturnValueOnce(idempotencyKey as ReturnType<typeof crypto.randomUUID>);
  return idempotencyKey;
};

/** What was sent, as the relay would put it on the wire. */
export const onTheWire = (sent: Sent | undefined) => ({
  url: sent?.url,
  method: sent?.method,
  body: sent?.body === undefined ? '' : JSON.stringify(sent.body),
});

export const wire = (name: string) => {
  const { url, method, body } = vector(name);
  return { url, method, body };
};

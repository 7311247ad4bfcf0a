// Writes tests/vectors/card_requests.json: each request of the card as HubSpot's servers carry it to us, signed. The
// Python tests verify them, the TypeScript tests assert that the card sends them. Without --write: says if they differ.
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const TARGET = path.join(import.meta.dirname, '..', '..', 'tests', 'vectors', 'card_requests.json');

const SECRET = 'card-test-secret';
const BASE = 'https://app.example.com';
const TIMESTAMP = '1795468805000';
const NOW = Number(TIMESTAMP);
const SAM = { userId: 77, portalId: 123, userEmail: 'sam+x@clinic.example', appId: 999 };
const MARY = { ...SAM, userId: 78, userEmail: "mary.o'brien&co+desk@clinic.example" };

// What HubSpot turns back into characters in the query before it signs; everything else stays as it is on the wire.
const DECODED = ['%3A', '%2F', '%3F', '%40', '%21', '%24', '%27', '%28', '%29', '%2A', '%2C', '%3B'];

const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

const query = (who) =>
  Object.entries(who)
    .map(([name, value]) => `${name}=${encode(String(value))}`)
    .join('&');

const signedUri = (url) => {
  const [head, ...tail] = url.split('?');
  return [
    head,
    ...tail.map((part) =>
      part.replace(/%[0-9A-F]{2}/g, (code) => (DECODED.includes(code) ? decodeURIComponent(code) : code)),
    ),
  ].join('?');
};

const hmac = (secret, method, uri, body, timestamp) =>
  createHmac('sha256', secret)
    .update(method + uri + body + timestamp, 'utf8')
    .digest('base64');

const request = (name, method, requestPath, data, who = SAM) => {
  const wireUrl = `${BASE}${requestPath}?${query(who)}`;
  const body = data === undefined ? '' : JSON.stringify(data);
  const uri = signedUri(wireUrl);
  return {
    name,
    url: BASE + requestPath,
    method,
    wireUrl,
    signedUri: uri,
    body,
    timestamp: TIMESTAMP,
    signature: hmac(SECRET, method, uri, body, TIMESTAMP),
    who,
  };
};

const key = (last) => `5f0c6d3e-0d5b-4c4e-9b1f-0000000000${last}`;

const requests = [
  request('contact', 'GET', '/card/contacts/4242'),
  request('contact_large_id', 'GET', '/card/contacts/546500061938'),
  request('contact_odd_email', 'GET', '/card/contacts/4242', undefined, MARY),
  request('sync', 'POST', '/card/contacts/4242/sync', { idempotencyKey: key('01') }),
  request('push_patient', 'POST', '/card/contacts/4242/push', { idempotencyKey: key('02'), target: 'patient' }),
  request('push_contact', 'POST', '/card/contacts/4242/push', { idempotencyKey: key('03'), target: 'contact' }),
  request('unlink', 'POST', '/card/contacts/4242/unlink', {
    idempotencyKey: key('04'),
    restoreFields: false,
    moveDeals: true,
  }),
  request('unlink_and_restore', 'POST', '/card/contacts/4242/unlink', {
    idempotencyKey: key('05'),
    restoreFields: true,
    moveDeals: true,
  }),
  request('unlink_only', 'POST', '/card/contacts/4242/unlink', {
    idempotencyKey: key('06'),
    restoreFields: false,
    moveDeals: false,
  }),
  request('account', 'GET', '/card/account'),
  request('signin_dashboard', 'POST', '/card/signin-link', { idempotencyKey: key('07'), page: 'dashboard' }),
  request('signin_onboarding', 'POST', '/card/signin-link', { idempotencyKey: key('08'), page: 'onboarding' }),
];

// What must be refused, with the code and status of docs/card-api.md. `now` is the server's clock in milliseconds.
const named = (name) => requests.find((one) => one.name === name);
const refusal = (name, status, code, from, change) => {
  const { method, wireUrl, body, timestamp, signature } = from;
  return { name, status, code, method, wireUrl, body, timestamp, signature, now: NOW, ...change };
};
const signedAnew = (from, wireUrl) => ({
  wireUrl,
  signature: hmac(SECRET, from.method, signedUri(wireUrl), from.body, from.timestamp),
});
const contact = named('contact');
const push = named('push_patient');

const refused = [
  refusal('unsigned', 401, 'signature_missing', contact, { signature: null }),
  refusal('without_timestamp', 401, 'signature_missing', contact, { timestamp: null }),
  refusal('timestamp_is_no_number', 401, 'signature_invalid', contact, { timestamp: 'soon' }),
  refusal('another_secret', 401, 'signature_invalid', contact, {
    signature: hmac('another-secret', 'GET', contact.signedUri, '', TIMESTAMP),
  }),
  refusal('signed_without_decoding', 401, 'signature_invalid', contact, {
    signature: hmac(SECRET, 'GET', contact.wireUrl, '', TIMESTAMP),
  }),
  refusal('changed_query', 401, 'signature_invalid', contact, {
    wireUrl: contact.wireUrl.replace('portalId=123', 'portalId=124'),
  }),
  refusal('changed_contact', 401, 'signature_invalid', contact, { wireUrl: contact.wireUrl.replace('4242', '4243') }),
  refusal('changed_body', 401, 'signature_invalid', push, { body: push.body.replace('patient', 'contact') }),
  refusal('replayed_after_five_minutes', 401, 'signature_expired', contact, { now: NOW + 300_001 }),
  refusal('from_the_future', 401, 'signature_expired', contact, { now: NOW - 60_001 }),
  refusal('second_portal', 400, 'parameters_invalid', contact, signedAnew(contact, `${contact.wireUrl}&portalId=456`)),
  refusal(
    'own_portal_first',
    400,
    'parameters_invalid',
    contact,
    signedAnew(contact, contact.wireUrl.replace('?', '?portalId=456&')),
  ),
  refusal(
    'without_user',
    400,
    'parameters_invalid',
    contact,
    signedAnew(contact, contact.wireUrl.replace('userId=77&', '')),
  ),
  refusal(
    'portal_is_no_number',
    400,
    'parameters_invalid',
    contact,
    signedAnew(contact, contact.wireUrl.replace('portalId=123', 'portalId=12a')),
  ),
  refusal(
    'another_app',
    403,
    'wrong_app',
    contact,
    signedAnew(contact, contact.wireUrl.replace('appId=999', 'appId=998')),
  ),
];

// The edges of the time window: still accepted.
const accepted = [
  { name: 'five_minutes_old', request: 'contact', now: NOW + 300_000 },
  { name: 'a_minute_ahead', request: 'contact', now: NOW - 60_000 },
];

const file = { secret: SECRET, baseUrl: BASE, appId: SAM.appId, now: NOW, requests, accepted, refused };
export const TEXT = `${JSON.stringify(file, null, 2)}\n`;

export const differs = () => {
  try {
    return readFileSync(TARGET, 'utf8') !== TEXT;
  } catch {
    return true;
  }
};

if (process.argv[1] === import.meta.filename && process.argv.includes('--write')) {
  mkdirSync(path.dirname(TARGET), { recursive: true });
  writeFileSync(TARGET, TEXT);
  console.log(`${requests.length} requests, ${refused.length} refusals written`);
}

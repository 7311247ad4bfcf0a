/** docs/card-api.md, the vectors and the card say the same. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, describe } from 'vitest';

import app from '../src/app/app-hsmeta.json';
import dev from '../src/hsprofile.dev.json';
import prod from '../src/hsprofile.prod.json';
import { cardDecoder, STATES } from '../src/app/cards/utils/decode';
import { RULES } from '../src/app/cards/utils/words';
import { decodeAccount, signinDecoder } from '../src/app/settings/utils/decode';
import { BASE } from './answers';
import { vectors } from './vectors';

const doc = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'card-api.md'), 'utf8');

const examples = (kind: string): unknown[] =>
  [...doc.matchAll(new RegExp(`^\`\`\`json ${kind}\\n(.*?)^\`\`\``, 'gms'))].map((found) => JSON.parse(found[1] ?? ''));

describe('the examples of the document', () => {
  it.each([
    ['card', cardDecoder(BASE), 7],
    ['account', decodeAccount, 2],
    ['signin', signinDecoder(BASE), 2],
  ] as [string, (value: unknown) => unknown, number][])('%s', (kind, decode, atLeast) => {
    const found = examples(kind);
    expect(found.length).toBeGreaterThanOrEqual(atLeast);
    for (const example of found) {
      expect(decode(example), JSON.stringify(example)).not.toBeNull();
    }
  });

  it('requests', () => {
    const bodies = vectors.map((one) => one.body).filter(Boolean);
    const found = examples('request').map((example) => JSON.stringify(example));
    expect(found).toHaveLength(4);
    for (const body of found) {
      expect(bodies).toContain(body);
    }
  });

  it('all blocks are of a kind that is read here', () => {
    const kinds = [...doc.matchAll(/^```(\S.*)$/gm)].map((found) => found[1]);
    expect(new Set(kinds)).toEqual(new Set(['json card', 'json account', 'json signin', 'json request', 'json fault']));
  });
});

it('the document names each state and each rule', () => {
  for (const state of STATES) {
    expect(doc).toContain(`| \`${state}\` |`);
  }
  for (const rule of Object.keys(RULES)) {
    expect(doc).toContain(`\`${rule}\``);
  }
});

describe.each([
  ['dev', dev],
  ['prod', prod],
])('with the profile %s', (_name, profile) => {
  it.each(vectors.map((one) => [one.name, one.url] as const))('HubSpot lets the card call: %s', (_vector, url) => {
    const permitted = app.config.permittedUrls.fetch.map((one) =>
      one.replace('${publicBaseUrl}', profile.variables.publicBaseUrl),
    );
    const called = url.replace(BASE, profile.variables.publicBaseUrl);
    expect(permitted.some((prefix) => called.startsWith(prefix))).toBe(true);
  });
});

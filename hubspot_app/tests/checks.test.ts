/** Our own checks find what they are there for: a copy of the project is broken in many places at once. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const PROJECT = path.join(import.meta.dirname, '..');
const ELSEWHERE = ['webapp/clients/hubspot/oauth.py', 'tests/vectors/card_requests.json'];
let root = '';
let folder = '';

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'crmconnect-checks-'));
  folder = path.join(root, 'hubspot_app');
  cpSync(PROJECT, folder, { recursive: true, filter: (source) => !/(node_modules|dist)$/.test(source) });
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'));
  for (const name of ELSEWHERE) {
    cpSync(path.join(PROJECT, '..', name), path.join(root, name), { recursive: true });
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const run = () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/checks.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
};

const replace = (name: string, from: string, to: string) => {
  const file = path.join(root, name);
  const text = readFileSync(file, 'utf8');
  expect(text, `${name} holds ${from}`).toContain(from);
  writeFileSync(file, text.replace(from, to));
};

it('find nothing in the project as it is', () => {
  expect(run()).toMatchObject({ status: 0 });
});

it('find each thing that is wrong', () => {
  const src = 'hubspot_app/src/app';
  replace('webapp/clients/hubspot/oauth.py', '"crm.objects.owners.read",', '');
  replace('tests/vectors/card_requests.json', '"signature": "', '"signature": "x');
  replace(`${src}/app-hsmeta.json`, '${publicBaseUrl}/oauth/callback', '${publicBaseUrl}/elsewhere');
  replace(`${src}/app-hsmeta.json`, '${publicBaseUrl}/card/', '${publicBaseUrl}/');
  replace(`${src}/app-hsmeta.json`, 'CRMConnect for Cliniko', 'ClinikoHub');
  replace(`${src}/webhooks/webhooks-hsmeta.json`, '/webhooks/hubspot', '/hooks');
  replace(`${src}/cards/contact-tab-hsmeta.json`, 'crmconnect_contact_tab', 'crmconnect_other_tab');
  replace(`${src}/cards/contact-tab-hsmeta.json`, 'ContactTab.tsx', 'Gone.tsx');
  replace(`${src}/cards/package.json`, '"react": "18.3.1"', '"react": "19.0.0"');
  replace(
    `${src}/settings/package-lock.json`,
    '"integrity": "',
    '"resolved": "https://packages.example/x.tgz", "integrity": "',
  );
  replace(`${src}/settings/utils/times.ts`, 'just now', 'now');
  appendFileSync(
    path.join(folder, 'src/app/cards/components/Head.tsx'),
    "\nexport const x = () => hubspot.fetch('https://other.example/');\n",
  );
  appendFileSync(path.join(folder, 'src/app/cards/ContactCard.tsx'), '\nhubspot.extend(() => null);\n');
  writeFileSync(path.join(folder, 'src/app/app-logo.png'), 'no picture');

  const { status, said } = run();
  expect(status).toBe(1);
  for (const finding of [
    'the scopes differ',
    'card_requests.json is not what',
    'the redirect is not',
    'more or less may be fetched',
    '"ClinikoHub" has a mark',
    'the webhooks go elsewhere',
    'the uids are not',
    'Gone.tsx is not there',
    'cards/package.json: other versions',
    'cards/package-lock.json: is older',
    'settings/package-lock.json: holds download addresses',
    'settings/utils/times.ts differs',
    'Head.tsx: only utils/api.ts may call hubspot.fetch',
    'Head.tsx: an address is written into the code',
    'ContactCard.tsx: hubspot.extend is called 1 times, not 0',
    'ContactTab.tsx: hubspot.extend is called 1 times, not 0',
    'app-logo.png is no PNG',
  ]) {
    expect(said).toContain(finding);
  }
});

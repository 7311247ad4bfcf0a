/** HubSpot's parser takes the project, and refuses what would break it. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

// @ts-expect-error plain JavaScript, so that node runs it as it is
import { parse } from '../tools/validate.mjs';

const PROJECT = path.join(import.meta.dirname, '..');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'crmconnect-project-'));
  const skip = /(node_modules|dist)$/;
  cpSync(path.join(PROJECT, 'src'), path.join(folder, 'src'), {
    recursive: true,
    filter: (source) => !skip.test(source),
  });
  cpSync(path.join(PROJECT, 'hsproject.json'), path.join(folder, 'hsproject.json'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Meta {
  config: Record<string, object>;
}

const edit = (name: string, change: (meta: Meta) => void) => {
  const file = path.join(folder, 'src', name);
  const meta = JSON.parse(readFileSync(file, 'utf8')) as Meta;
  change(meta);
  writeFileSync(file, JSON.stringify(meta));
};

it('is accepted, with each variable filled in', async () => {
  const nodes = await parse(folder, 'prod');
  expect(Object.keys(nodes).sort()).toEqual([
    'crmconnect_app',
    'crmconnect_contact_sidebar',
    'crmconnect_contact_tab',
    'crmconnect_settings',
    'crmconnect_webhooks',
  ]);
  expect(JSON.stringify(nodes)).not.toContain('${');
  expect(JSON.stringify(nodes)).toContain('https://app.crmconnect.example.com/webhooks/hubspot');
});

const APP = 'app/app-hsmeta.json';
const CARD = 'app/cards/contact-sidebar-hsmeta.json';
const HOOKS = 'app/webhooks/webhooks-hsmeta.json';

describe('is refused', () => {
  it.each([
    ['a key that HubSpot does not know', CARD, (it: Meta) => Object.assign(it, { title: 'x' })],
    ['a uid with a space', CARD, (it: Meta) => Object.assign(it, { uid: 'contact card' })],
    ['the same uid twice', CARD, (it: Meta) => Object.assign(it, { uid: 'crmconnect_contact_tab' })],
    ['a place that does not exist', CARD, (it: Meta) => Object.assign(it.config, { location: 'crm.record.left' })],
    ['a card without contacts', CARD, (it: Meta) => Object.assign(it.config, { objectTypes: [] })],
    ['an unknown variable', APP, (it: Meta) => Object.assign(it.config, { description: '${nothing}' })],
    ['another way to sign in', APP, (it: Meta) => Object.assign(it.config.auth ?? {}, { type: 'static' })],
    [
      'calls without https',
      APP,
      (it: Meta) => Object.assign(it.config.permittedUrls ?? {}, { fetch: ['http://app.example.com/card/'] }),
    ],
    [
      'too few deliveries at once',
      HOOKS,
      (it: Meta) => Object.assign(it.config.settings ?? {}, { maxConcurrentRequests: 5 }),
    ],
    [
      'a subscription without its property',
      HOOKS,
      (it: Meta) =>
        Object.assign(it.config.subscriptions ?? {}, {
          crmObjects: [{ subscriptionType: 'object.propertyChange', objectType: 'contact', active: true }],
        }),
    ],
  ] as [string, string, (meta: Meta) => void][])('%s', async (_name, file, change) => {
    edit(file, change);
    await expect(parse(folder, 'prod')).rejects.toThrow();
  });

  it('a component in a folder that HubSpot skips', async () => {
    mkdirSync(path.join(folder, 'src/app/cards/more'));
    renameSync(path.join(folder, 'src', CARD), path.join(folder, 'src/app/cards/more/contact-sidebar-hsmeta.json'));
    await expect(parse(folder, 'prod')).rejects.toThrow('wrong folder');
  });

  it('a profile that is not there', async () => {
    await expect(parse(folder, 'staging')).rejects.toThrow();
  });
});

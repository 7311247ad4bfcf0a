// What HubSpot's own tools do not see: that the app agrees with our service and with itself. One line per finding.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { stale } from './copies.mjs';
import { parse, PROFILES } from './validate.mjs';
import { differs } from './vectors.mjs';

const project = path.join(import.meta.dirname, '..');
const src = path.join(project, 'src');
const found = [];
const check = (fine, finding) => fine || found.push(finding);

const read = (...parts) => readFileSync(path.join(project, ...parts), 'utf8');
const json = (...parts) => JSON.parse(read(...parts));

const files = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist'].includes(entry.name)) {
      return [];
    }
    const full = path.join(folder, entry.name);
    return entry.isDirectory() ? files(full) : [full];
  });

const sources = files(src).filter((file) => /\.tsx?$/.test(file));
const name = (file) => path.relative(project, file);

// HubSpot keeps a card's place and state by its uid: a released one never changes.
const UIDS = [
  'crmconnect_app',
  'crmconnect_contact_sidebar',
  'crmconnect_contact_tab',
  'crmconnect_settings',
  'crmconnect_webhooks',
];

const pythonScopes = () => {
  const text = readFileSync(path.join(project, '..', 'webapp', 'clients', 'hubspot', 'oauth.py'), 'utf8');
  const tuple = /^SCOPES = \(\n(.*?)^\)/ms.exec(text);
  return tuple ? [...tuple[1].matchAll(/"([^"]+)"/g)].map((one) => one[1]) : [];
};

const checkApp = (nodes, profile) => {
  const app = nodes.crmconnect_app.config;
  check(
    String(app.auth.requiredScopes) === String(pythonScopes()),
    'the scopes differ from SCOPES in webapp/clients/hubspot/oauth.py',
  );
  const base = json('src', `hsprofile.${profile}.json`).variables.publicBaseUrl;
  check(
    String(app.auth.redirectUrls) === `${base}/oauth/callback`,
    `${profile}: the redirect is not ${base}/oauth/callback`,
  );
  check(
    String(app.permittedUrls.fetch) === `${base}/card/`,
    `${profile}: more or less may be fetched than ${base}/card/`,
  );
  check(
    nodes.crmconnect_webhooks.config.settings.targetUrl === `${base}/webhooks/hubspot`,
    `${profile}: the webhooks go elsewhere`,
  );
  check(!JSON.stringify(nodes).includes('${'), `${profile}: a variable is left unfilled`);
  for (const node of Object.values(nodes)) {
    const title = node.config.name ?? '';
    check(!/hub|inbound/i.test(title), `${node.uid}: "${title}" has a mark of HubSpot's in it`);
  }
};

const checkComponents = (nodes) => {
  check(String(Object.keys(nodes).sort()) === String(UIDS), `the uids are not ${UIDS.join(', ')}`);
  const entries = [];
  for (const node of Object.values(nodes)) {
    if (node.config.entrypoint) {
      const entry = path.join(src, node.config.entrypoint);
      entries.push(entry);
      check(existsSync(entry), `${node.uid}: ${node.config.entrypoint} is not there`);
    }
    if (node.componentType === 'CARD') {
      picture(path.join(src, 'app', 'cards', node.config.previewImage.file));
    }
  }
  picture(path.join(src, nodes.crmconnect_app.config.logo), true);
  for (const file of sources) {
    const calls = readFileSync(file, 'utf8').split('hubspot.extend').length - 1;
    const wanted = entries.includes(file) ? 1 : 0;
    check(calls === wanted, `${name(file)}: hubspot.extend is called ${calls} times, not ${wanted}`);
  }
  return entries;
};

const picture = (file, square = false) => {
  if (!existsSync(file)) {
    check(false, `${name(file)} is not there`);
    return;
  }
  const data = readFileSync(file);
  const png = data.subarray(1, 4).toString() === 'PNG';
  check(png && statSync(file).size < 5_000_000, `${name(file)} is no PNG below 5 MB`);
  check(!png || !square || data.readUInt32BE(16) === data.readUInt32BE(20), `${name(file)} is not square`);
};

const checkFetching = () => {
  for (const file of sources) {
    const text = readFileSync(file, 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '');
    const api = file.endsWith(path.join('utils', 'api.ts'));
    check(api || !/hubspot\.fetch|hsFetch/.test(text), `${name(file)}: only utils/api.ts may call hubspot.fetch`);
    check(!/https?:\/\/[a-z0-9]/i.test(text), `${name(file)}: an address is written into the code`);
    if (api) {
      const paths = [...text.matchAll(/path: [`']([^`']*)/g)].map((one) => one[1]);
      check(
        paths.length === 4 && paths.every((one) => one.startsWith('/card/')),
        `${name(file)}: a path is not under /card/`,
      );
    }
  }
};

const checkPackages = () => {
  const root = json('package.json').devDependencies;
  for (const [tool, version] of Object.entries(root)) {
    check(/^\d/.test(version), `package.json: ${tool} is not pinned`);
  }
  for (const folder of ['cards', 'settings']) {
    const wanted = { '@hubspot/ui-extensions': root['@hubspot/ui-extensions'], react: root.react };
    const { dependencies, devDependencies } = json('src', 'app', folder, 'package.json');
    check(
      JSON.stringify(dependencies) === JSON.stringify(wanted),
      `${folder}/package.json: other versions than the tests use`,
    );
    check(devDependencies === undefined, `${folder}/package.json: tools belong into hubspot_app/package.json`);
  }
  for (const parts of [
    ['package-lock.json'],
    ['src', 'app', 'cards', 'package-lock.json'],
    ['src', 'app', 'settings', 'package-lock.json'],
  ]) {
    const lock = json(...parts);
    const entries = Object.entries(lock.packages).filter(([where]) => where !== '');
    check(!entries.some(([, it]) => it.resolved), `${parts.join('/')}: holds download addresses; run npm run locks`);
    check(
      entries.every(([, it]) => it.integrity || it.link),
      `${parts.join('/')}: an entry has no checksum`,
    );
    const own = json(...parts.slice(0, -1), 'package.json');
    const { dependencies = {}, devDependencies = {} } = lock.packages[''];
    check(
      JSON.stringify([dependencies, devDependencies]) ===
        JSON.stringify([own.dependencies ?? {}, own.devDependencies ?? {}]),
      `${parts.join('/')}: is older than its package.json; run npm run locks`,
    );
  }
};

for (const profile of PROFILES) {
  const nodes = await parse(project, profile);
  checkApp(nodes, profile);
  checkComponents(nodes);
}
checkFetching();
checkPackages();
for (const copy of stale()) {
  check(false, `src/app/settings/${copy} differs from cards/: run npm run copies`);
}
check(!differs(), 'tests/vectors/card_requests.json is not what tools/vectors.mjs makes: run npm run vectors');

for (const finding of new Set(found)) {
  console.error(finding);
}
console.log(
  found.length === 0
    ? 'Scopes, addresses, entries, pictures, packages and copies are as they should be.'
    : `${found.length} to mend.`,
);
process.exitCode = found.length === 0 ? 0 : 1;

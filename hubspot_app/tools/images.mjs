// Draws our pictures with Chromium: the mark (app logo, listing icon), the card's preview, and a picture of the
// storyboard. Run after `npm run storyboard`; the first three are committed. Usage: node tools/images.mjs [chromium]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const project = path.join(import.meta.dirname, '..');
const artefacts = path.join(project, '..', 'test-artefacts', 'hubspot_app');
const chromium = process.argv[2] ?? 'chromium';
const scratch = mkdtempSync(path.join(tmpdir(), 'crmconnect-images-'));

const shoot = (page, target, width, height) => {
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--hide-scrollbars',
    '--default-background-color=00000000',
  ];
  execFileSync(
    chromium,
    [
      ...flags,
      `--user-data-dir=${scratch}/profile`,
      `--window-size=${width},${height}`,
      `--screenshot=${target}`,
      pathToFileURL(page).href,
    ],
    { stdio: 'ignore' },
  );
  console.log(`${path.relative(process.cwd(), target)} ${width}×${height}`);
};

const mark = (size) => {
  const svg = readFileSync(path.join(import.meta.dirname, 'images', 'mark.svg'), 'utf8').replace(
    / width="\d+" height="\d+"/,
    ` width="${size}" height="${size}"`,
  );
  const page = path.join(scratch, `mark-${size}.html`);
  writeFileSync(
    page,
    `<!doctype html><body style="margin:0">${svg.replace('<svg ', '<svg style="display:block" ')}</body>`,
  );
  return page;
};

try {
  shoot(mark(512), path.join(project, 'src', 'app', 'app-logo.png'), 512, 512);
  shoot(mark(800), path.join(project, 'listing', 'icon.png'), 800, 800);
  shoot(path.join(artefacts, 'preview.html'), path.join(project, 'src', 'app', 'cards', 'card-preview.png'), 380, 352);
  shoot(path.join(artefacts, 'storyboard.html'), path.join(artefacts, 'storyboard.png'), 1420, 3600);
  shoot(path.join(artefacts, 'settings.html'), path.join(artefacts, 'settings.png'), 1540, 1500);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

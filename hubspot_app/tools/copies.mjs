// HubSpot builds each folder by itself, so settings/ may not import from cards/. The files both need live in cards/ and
// are copied. Without --write: says which copies differ.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const COPIES = ['types/card.ts', 'utils/api.ts', 'utils/keys.ts', 'utils/shape.ts', 'utils/times.ts'];

const app = path.join(import.meta.dirname, '..', 'src', 'app');

export const stale = () => COPIES.filter((name) => read('cards', name) !== read('settings', name));

const read = (folder, name) => {
  try {
    return readFileSync(path.join(app, folder, name), 'utf8');
  } catch {
    return null;
  }
};

if (process.argv[1] === import.meta.filename && process.argv.includes('--write')) {
  for (const name of stale()) {
    const target = path.join(app, 'settings', name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, read('cards', name));
    console.log(`copied ${name}`);
  }
}

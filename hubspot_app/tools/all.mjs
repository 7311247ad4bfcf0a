// Everything that must be right before an upload, offline and without an account: npm test.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const project = path.join(import.meta.dirname, '..');
const bin = (...parts) => path.join(project, 'node_modules', ...parts);

const STEPS = [
  ['types', bin('typescript', 'bin', 'tsc'), '--noEmit'],
  ['lint, with HubSpot’s rules', bin('eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0'],
  ['formatting', bin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  ['HubSpot’s project parser', path.join(project, 'tools', 'validate.mjs')],
  ['our own checks', path.join(project, 'tools', 'checks.mjs')],
  ['HubSpot’s bundler', path.join(project, 'tools', 'bundle.mjs')],
  ['tests', bin('vitest', 'vitest.mjs'), 'run'],
];

let failed = 0;
for (const [title, ...args] of STEPS) {
  const begun = Date.now();
  const run = spawnSync(process.execPath, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  const fine = run.status === 0;
  failed += fine ? 0 : 1;
  console.log(`${fine ? '✓' : '✗'} ${title.padEnd(28)} ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  if (!fine) {
    console.log(`${run.stdout}${run.stderr}`.trimEnd());
  }
}
console.log(`${STEPS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

// HubSpot's own bundler over each entry: what it cannot build here, it cannot build on upload.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parse } from './validate.mjs';

const project = path.join(import.meta.dirname, '..');
const uie = path.join(project, 'node_modules', '@hubspot', 'ui-extensions-dev-server', 'dist', 'lib', 'bin', 'cli.js');

const nodes = Object.values(await parse(project, 'prod')).filter((node) => node.config.entrypoint);
for (const { config } of nodes) {
  const entry = path.join(project, 'src', config.entrypoint);
  const built = path.join(path.dirname(entry), 'dist', path.basename(entry).replace(/\.tsx$/, '.js'));
  rmSync(built, { force: true });
  try {
    execFileSync(process.execPath, [uie, 'build-dev', entry], { cwd: project, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    console.error(`${config.entrypoint} does not build:\n${error.stdout}${error.stderr}`);
    process.exit(1);
  }
  if (!existsSync(built) || !readFileSync(built, 'utf8').includes('/card/')) {
    console.error(`${config.entrypoint} was built, but nothing of ours is in it`);
    process.exit(1);
  }
}
console.log(`${nodes.length} entries built.`);

// HubSpot's own project parser over the whole project, for each profile, with our schemas in place of the ones that it
// would fetch from an account. No network, no account. Usage: node tools/validate.mjs [folder]
import path from 'node:path';
import { http } from '@hubspot/local-dev-lib/http';
import { Components } from '@hubspot/project-parsing-lib/constants';
import { parseProjectConfig } from '@hubspot/project-parsing-lib/projects';
import { mapToInternalType } from '@hubspot/project-parsing-lib/transform';
import { isTranslationError, translate } from '@hubspot/project-parsing-lib/translate';
import { OURS } from './schemas.mjs';

export const PROFILES = ['dev', 'prod'];

const nothing = { not: {} };
const schemas = Object.fromEntries(Object.keys(Components).map((kind) => [mapToInternalType(kind), nothing]));
// The one call that the parser makes.
http.get = async () => ({ data: { ...schemas, ...OURS } });

/** What HubSpot's parser makes of the project: its nodes by uid. Throws with the parser's own messages. */
export const parse = async (folder, profile) => {
  const config = parseProjectConfig(folder);
  const { intermediateRepresentation, skippedHsMetaFiles } = await translate(
    { projectSourceDir: path.join(folder, config.srcDir), platformVersion: config.platformVersion, accountId: 1 },
    { profile },
  );
  if (skippedHsMetaFiles.length > 0) {
    throw new Error(`files in the wrong folder, which HubSpot would skip: ${skippedHsMetaFiles.join(', ')}`);
  }
  return intermediateRepresentation.intermediateNodesIndexedByUid;
};

if (process.argv[1] === import.meta.filename) {
  const folder = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..'));
  for (const profile of PROFILES) {
    try {
      const nodes = Object.values(await parse(folder, profile));
      console.log(`${profile}: ${nodes.map((node) => `${node.componentType}:${node.uid}`).join(' ')}`);
    } catch (error) {
      console.error(`${profile}: ${isTranslationError(error) ? error.toString() : error.message}`);
      process.exitCode = 1;
    }
  }
}

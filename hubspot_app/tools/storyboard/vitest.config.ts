import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['tools/storyboard/*.story.tsx'], environment: 'node', unstubGlobals: true, testTimeout: 60_000 },
});

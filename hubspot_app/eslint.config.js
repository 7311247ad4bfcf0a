import js from '@eslint/js';
import { config as hubspot } from '@hubspot/eslint-config-ui-extensions';
import prettier from 'eslint-config-prettier';
import react from 'eslint-plugin-react';
import reactHooks from 'eslint-plugin-react-hooks';
import unusedImports from 'eslint-plugin-unused-imports';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const node = { console: 'readonly', process: 'readonly', URL: 'readonly', Buffer: 'readonly' };

export default defineConfig([
  globalIgnores(['**/dist', '**/node_modules']),
  js.configs.recommended,
  tseslint.configs.recommended,
  tseslint.configs.stylistic,
  { plugins: { 'unused-imports': unusedImports }, rules: { 'unused-imports/no-unused-imports': 'error' } },
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [
      react.configs.flat.recommended,
      react.configs.flat['jsx-runtime'],
      hubspot,
      reactHooks.configs.flat['recommended-latest'],
    ],
    settings: { react: { version: '18.3' } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  { files: ['tools/**/*.mjs', '*.js'], languageOptions: { globals: node } },
  prettier,
]);

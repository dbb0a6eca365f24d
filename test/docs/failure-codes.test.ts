import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ERRORS } from '../../index/errors.js';

it('docs/operations.md tells of every code what it means and what to do, in the order of the table in the code', async () => {
  const text = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## Failure codes'));
  const rows = [...section.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)].map(
    ([, code, meaning, remedy]) => ({
      code,
      meaning: meaning ?? '',
      remedy: remedy ?? '',
    }),
  );
  expect(rows.map(({ code }) => code)).toEqual(Object.keys(ERRORS));
  for (const { code, meaning, remedy } of rows) {
    expect(meaning.length, code).toBeGreaterThan(5);
    expect(remedy.length, code).toBeGreaterThan(5);
  }
});

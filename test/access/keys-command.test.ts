import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runMain, type Said } from '../helpers/run-main.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';

let workspace: Workspace;

beforeEach(() => {
  workspace = createWorkspace();
});

afterEach(() => workspace.remove());

function keys(...args: string[]): Promise<Said> {
  return runMain(['keys', ...args], { ...process.env, CLIPTRACE_DATA: workspace.data });
}

describe('cliptrace keys', () => {
  it('makes a key that is shown once, and whose secret lies nowhere in the data folder', async () => {
    const created = await keys(
      'create',
      '--name',
      'laptop',
      '--scopes',
      'search,ingest',
      '--collections',
      'a, b',
    );
    expect(created.code).toBe(0);
    const key = created.out.trim();
    expect(key).toMatch(/^ct_[a-z0-9]{12}_[\w-]{43}$/);
    const id = key.split('_')[1] as string;
    const listed = await keys('list', '--json');
    expect(JSON.parse(listed.out).keys).toMatchObject([
      {
        id,
        name: 'laptop',
        scopes: ['search', 'ingest'],
        collections: ['a', 'b'],
        lastUsedAt: null,
        revokedAt: null,
      },
    ]);
    const secret = key.slice(`ct_${id}_`.length);
    for (const text of [listed.out, (await keys()).out, created.err]) expect(text).not.toContain(secret);
    for (const name of readdirSync(workspace.data)) {
      if (!name.startsWith('library.')) continue;
      expect(readFileSync(path.join(workspace.data, name)).includes(secret)).toBe(false);
    }
  });

  it('revokes one, tells when, and does so once', async () => {
    const { id } = JSON.parse((await keys('create', '--name', 'x', '--json')).out);
    const first = JSON.parse((await keys('revoke', id, '--json')).out);
    expect(first.revokedAt).toMatch(/^\d{4}-/);
    expect(JSON.parse((await keys('revoke', id, '--json')).out)).toEqual(first);
  });

  it('works while another process holds the data folder', async () => {
    const held = await workspace.open();
    try {
      const { code, out } = await keys('create', '--name', 'beside', '--scopes', 'admin');
      expect(code).toBe(0);
      expect(await held.library.findApiKey(out.split('_')[1] as string)).toMatchObject({ name: 'beside' });
    } finally {
      await held.close();
    }
  });

  it.each([
    [['create'], '--name'],
    [['create', '--name', ' '], '--name'],
    [['create', '--name', 'x', '--scopes', 'search,root'], '"root"'],
    [['create', '--name', 'x', '--collections', 'a,,b'], '--collections'],
    [['burn'], '"burn"'],
    [['revoke'], 'id'],
  ])('refuses %j', async (args, named) => {
    const { code, err } = await keys(...args);
    expect(code).toBe(2);
    expect(err).toContain(named);
  });

  it('does not repeat what may be a whole key when it knows none of that id', async () => {
    await keys('create', '--name', 'x');
    const { code, err } = await keys('revoke', 'ct_secretsecret');
    expect(code).toBe(1);
    expect(err).toContain('KEY_NOT_FOUND');
    expect(err).not.toContain('secretsecret');
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serve } from '../helpers/served.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';

let workspace: Workspace;

beforeEach(() => {
  workspace = createWorkspace();
});

afterEach(() => workspace.remove());

describe('cliptrace serve on an address that others reach', () => {
  it('does not start without keys, and says what to do', async () => {
    const { code, stderr } = await workspace.cli(['serve', '--host', '0.0.0.0', '--port', '0']);
    expect(code).toBe(1);
    expect(stderr).toContain('CONFIGURATION_INVALID');
    expect(stderr).toContain('cliptrace keys create');
  });

  it('starts with a key, and asks for it', async () => {
    const made = await workspace.cli(['keys', 'create', '--name', 'test', '--json']);
    const { key } = JSON.parse(made.stdout) as { key: string };
    const served = await serve(workspace.data, { CLIPTRACE_HOST: '0.0.0.0' });
    try {
      expect((await fetch(`${served.api}/videos`)).status).toBe(401);
      const headers = { Authorization: `Bearer ${key}` };
      expect((await fetch(`${served.api}/videos`, { headers })).status).toBe(200);
      expect(served.stderr()).not.toContain(key);
      const [, id] = key.split('_') as [string, string];
      expect((await workspace.cli(['keys', 'revoke', id])).code).toBe(0);
      expect((await fetch(`${served.api}/videos`, { headers })).status).toBe(401);
    } finally {
      expect(await served.stop()).toBe(0);
    }
  });

  it('starts open when it is told so', async () => {
    const served = await serve(workspace.data, { CLIPTRACE_HOST: '0.0.0.0', CLIPTRACE_AUTH: 'off' });
    try {
      expect((await fetch(`${served.api}/videos`)).status).toBe(200);
    } finally {
      expect(await served.stop()).toBe(0);
    }
  });
});

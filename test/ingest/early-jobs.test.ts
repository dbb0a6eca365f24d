import { afterAll, expect, it } from 'vitest';
import { openCliptrace } from '../../index/cliptrace.js';
import { readSettings } from '../../index/settings.js';
import { createWorkspace } from '../helpers/workspace.js';

const workspace = createWorkspace();
afterAll(() => workspace.remove());

it('jobs that search wait for the index when they are taken up before it is loaded', async () => {
  await workspace.addSample('classroom.mp4');
  await workspace.cli(['index', workspace.archive]);
  const settings = readSettings(process.env, { data: workspace.data });
  const cliptrace = await openCliptrace({ settings, env: process.env, mode: 'write', background: true });
  try {
    expect((await cliptrace.readiness()).ready).toBe(false);
    const queued = [
      await cliptrace.jobs.submit({ type: 'boilerplate', collection: 'default' }),
      await cliptrace.jobs.submit({ type: 'duplicates', collection: null, minScore: 0.5 }),
    ];
    await cliptrace.jobs.start();
    for (const { id } of queued) expect(await cliptrace.jobs.wait(id)).toMatchObject({ status: 'done' });
  } finally {
    await cliptrace.close();
  }
});

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCliptrace } from '../../index/cliptrace.js';
import { readSettings } from '../../index/settings.js';
import { loadServerConfiguration } from '../../server/configuration.js';
import type { ReadinessJson } from '../../server/schemas/health.js';
import { startServer } from '../../server/server.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';
import { putVideo, segmentBatch } from '../library/library-inputs.js';
import { expectProblem, postJson, until } from './tools/http.js';

/** Enough that the index takes a while to build. */
const SEGMENTS = 6000;
const SEGMENTS_PER_VIDEO = 1000;

let workspace: Workspace;

beforeAll(async () => {
  workspace = createWorkspace();
  const opened = await workspace.open();
  const { id: modelId, dimension, timesteps } = opened.encoder.manifest;
  for (let name = 1; name <= SEGMENTS / SEGMENTS_PER_VIDEO; name += 1) {
    const segments = segmentBatch(SEGMENTS_PER_VIDEO, name * 10_000, { dimension, timesteps });
    await putVideo(opened.library, name, { modelId, segments });
  }
  await opened.close();
});

afterAll(() => workspace.remove());

it('a server whose index is being rebuilt is alive, says that it is not ready and why, and then that it is', async () => {
  const vectors = join(workspace.data, 'vectors');
  for (const name of await readdir(vectors)) await rm(join(vectors, name));
  const cliptrace = await openCliptrace({
    settings: readSettings(process.env, { data: workspace.data }),
    env: process.env,
    mode: 'write',
    background: true,
  });
  const server = await startServer({
    cliptrace,
    configuration: loadServerConfiguration({}, { port: 0 }),
    logger: pino({ level: 'silent' }),
  });
  try {
    const waiting = await fetch(`${server.url}/readyz`);
    const state = (await waiting.json()) as ReadinessJson;
    expect([waiting.status, state.ready, state.index]).toEqual([503, false, null]);
    expect(state.reason).toMatch(/\w{4}/);
    expect(Number(waiting.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    // What needs no index goes on; what does is told to wait.
    expect((await fetch(`${server.url}/api/v1/videos`)).status).toBe(200);
    const search = await postJson(`${server.url}/api/v1/search`, { videoId: 1 });
    expect(Number(search.headers.get('Retry-After'))).toBeGreaterThan(0);
    await expectProblem(search, 'INDEX_NOT_READY');
    expect(await cliptrace.indexSize()).toBeNull();

    await until('the index', async () => (await fetch(`${server.url}/readyz`)).status === 200);
    const ready = (await (await fetch(`${server.url}/readyz`)).json()) as ReadinessJson;
    expect(ready).toMatchObject({
      ready: true,
      reason: null,
      index: { how: 'rebuilt', segmentCount: SEGMENTS },
    });
    expect((await postJson(`${server.url}/api/v1/search`, { videoId: 1 })).status).toBe(200);
  } finally {
    await server.close();
    await cliptrace.close();
  }
});

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ERRORS } from '../../index/errors.js';
import { API_PREFIX } from '../../server/address.js';
import { SERVER_VARIABLES } from '../../server/configuration.js';
import { ROUTES } from '../../server/routes/index.js';
import { readEvents } from './tools/events.js';
import { formWith, postForm, postJson } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

let live: LiveServer;
let document: Document;

beforeAll(async () => {
  live = await startLiveServer({ videos: ['people-detection', 'head-pose-face-detection-male'] });
  document = (await (await fetch(`${live.api}/openapi.json`)).json()) as Document;
});

afterAll(() => live.close());

/** A validator made from the published schema alone. */
function validatorOf(schema: object): z.ZodType {
  const { components } = document;
  const local = JSON.stringify({ ...schema, $defs: components.schemas });
  return z.fromJSONSchema(JSON.parse(local.replaceAll('#/components/schemas/', '#/$defs/')));
}

/** Asserts that an answer is one that the document describes, and returns its body. */
async function check(method: string, template: string, response: Response): Promise<unknown> {
  const described = document.paths[template]?.[method]?.responses[response.status];
  expect(described, `${method} ${template} -> ${response.status}`).toBeDefined();
  const contentType = response.headers.get('Content-Type')?.split(';')[0] ?? '';
  const schema = described?.content?.[contentType]?.schema;
  expect(schema, `${method} ${template} -> ${response.status} ${contentType}`).toBeDefined();
  const body: unknown = await response.json();
  const result = validatorOf(schema as object).safeParse(body);
  expect(result.error?.issues ?? [], JSON.stringify(body)).toEqual([]);
  return body;
}

describe('the OpenAPI document', () => {
  it('has every route of the table, and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    const served = ROUTES.flatMap(({ method, address, alsoAtRoot }) =>
      [API_PREFIX + address, ...(alsoAtRoot ? [address] : [])].map((path) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(served.sort());
    expect(document.openapi).toBe('3.1.0');
  });

  it('has a unique operation id for each, path parameters that are in the path, and no dangling reference', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
    for (const { path, operation } of operations) {
      const inPath = operation.parameters
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => name);
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      (match) => match[1] as string,
    );
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      expect(
        document.components.schemas[reference.replace('#/components/schemas/', '')],
        reference,
      ).toBeDefined();
    }
  });

  it('refuses an answer that is not as described', () => {
    const video = validatorOf({ $ref: '#/components/schemas/Video' });
    expect(video.safeParse({ id: 'one' }).success).toBe(false);
    const problem = validatorOf({ $ref: '#/components/schemas/Problem' });
    expect(
      problem.safeParse({ type: 'x', title: 'x', status: 400, code: 'NO_SUCH_CODE', detail: 'x' }).success,
    ).toBe(false);
  });

  it('describes what the live server answers', async () => {
    const { api } = live;
    const get = async (path: string, template = path) =>
      check('get', `/api/v1${template}`, await fetch(api + path));
    await get('/videos?limit=1', '/videos');
    await get('/videos/1', '/videos/{id}');
    await get('/videos/99', '/videos/{id}');
    await get('/videos/99/media', '/videos/{id}/media');
    await get('/videos/1/thumbnail?atSeconds=1000', '/videos/{id}/thumbnail');
    await get('/collections');
    await get('/jobs');
    await get('/jobs/1', '/jobs/{id}');
    await get('/jobs/99', '/jobs/{id}');
    await get('/jobs/99/events', '/jobs/{id}/events');
    const evaluations = (response: Response) => check('post', '/api/v1/evaluations', response);
    const evaluation = await evaluations(await postJson(`${api}/evaluations`, { protocol: 'labels' }));
    await live.cliptrace.jobs.wait((evaluation as { id: number }).id);
    await get(`/evaluations/${(evaluation as { id: number }).id}`, '/evaluations/{id}');
    await get('/evaluations/99', '/evaluations/{id}');
    await get('/evaluations');
    await evaluations(await postJson(`${api}/evaluations`, { protocol: 'labels', collection: 'nowhere' }));
    await get('/healthz');
    await get('/readyz');
    await get('/openapi.json');
    for (const path of ['/healthz', '/readyz', '/openapi.json'])
      await check('get', path, await fetch(live.url + path));
    const search = (response: Response) => check('post', '/api/v1/search', response);
    await search(await postJson(`${api}/search`, { videoId: 1 }));
    await search(await postJson(`${api}/search`, { videoId: 99 }));
    await search(await postJson(`${api}/search`, { videoId: 'x' }));
    const clip = samplePath('people-detection');
    await search(await postForm(`${api}/search`, await formWith('clip', clip)));
    await search(await postForm(`${api}/search`, await formWith('wrong', clip)));
    await search(await postForm(`${api}/search`, await formWith('clip', new URL(import.meta.url).pathname)));
    const jobs = (response: Response) => check('post', '/api/v1/jobs', response);
    await jobs(await postJson(`${api}/jobs`, { type: 'index', path: live.archive }));
    await jobs(await postJson(`${api}/jobs`, { type: 'index', path: '/' }));
    const added = await postForm(`${api}/videos`, await formWith('video', clip, { title: 'T' }));
    const { id } = (await check('post', '/api/v1/videos', added)) as { id: number };
    await live.cliptrace.jobs.wait(id);
    await check(
      'post',
      '/api/v1/jobs/{id}/cancel',
      await fetch(`${api}/jobs/${id}/cancel`, { method: 'POST' }),
    );
    await check('delete', '/api/v1/videos/{id}', await fetch(`${api}/videos/99`, { method: 'DELETE' }));
  });

  it('describes the events of a job', async () => {
    const response = await postJson(`${live.api}/jobs`, {
      type: 'index',
      path: live.archive,
      collection: 'events',
    });
    const { id } = (await response.json()) as { id: number };
    const { events } = await readEvents(await fetch(`${live.api}/jobs/${id}/events`));
    const names = { progress: 'JobProgressEvent', file: 'JobFileEvent', end: 'JobEndEvent' } as const;
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(Object.keys(names)));
    for (const { event, data } of events) {
      const schema = { $ref: `#/components/schemas/${names[event as keyof typeof names]}` };
      expect(validatorOf(schema).safeParse(data).error?.issues ?? []).toEqual([]);
    }
  });
});

describe('docs/api.md', () => {
  it('tells of every route, every error code and every variable, each with the right figures', async () => {
    const text = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
    for (const { method, address } of ROUTES)
      expect(text).toContain(`\`${method.toUpperCase()} ${address}\``);
    const table = [
      ...text.slice(text.indexOf('## Errors')).matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (.+) \|$/gm),
    ].map((row) => [row[1], Number(row[2]), row[3]]);
    expect(table).toEqual(Object.entries(ERRORS).map(([code, { status, title }]) => [code, status, title]));
    for (const name of Object.keys(SERVER_VARIABLES)) expect(text).toContain(`| \`${name}\` |`);
  });
});

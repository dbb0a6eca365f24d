import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { ERRORS } from '../../index/errors.js';
import type { Video } from '../../index/library/types.js';
import type { ClipWatch } from '../../index/library/watch-types.js';
import { testMessage } from '../../index/webhooks/messages.js';
import { createWebhookSecret } from '../../index/webhooks/signature.js';
import { between, pick, type Random, seeded } from '../fixtures/seeded.js';
import { generate } from './tools/generate.js';
import { bearer, makeKey } from './tools/keys.js';
import { type LiveServer, startLiveServer } from './tools/live-server.js';

type Schema = Record<string, unknown>;

interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const REQUESTS_PER_OPERATION = 25;
/** Codes of commands and of the start, which no request can be answered with. */
const NOT_OVER_HTTP = new Set([
  'FILE_NOT_READABLE',
  'FILE_NAME_INVALID',
  'FILE_CHANGED',
  // Of files that a job found missing.
  'DISK_NOT_MOUNTED',
  'MODEL_NOT_FOUND',
  'MODEL_INVALID',
  'MODEL_CHECK_FAILED',
  'INDEX_FULL',
  // Of jobs, which tell it in their `error`.
  'TOO_FEW_VIDEOS',
  'LIBRARY_NOT_FOUND',
  'LIBRARY_DAMAGED',
  'LIBRARY_TOO_NEW',
  'MIGRATION_HISTORY',
  'MIGRATION_FAILED',
  'DATA_FOLDER_IN_USE',
  'DATA_FOLDER_NOT_WRITABLE',
  'DATA_FOLDER_NOT_EMPTY',
  'BACKUP_NOT_RECOGNISED',
  'BACKUP_DAMAGED',
  'BACKUP_TOO_NEW',
  'KEY_NOT_FOUND',
  // Of attempts at a delivery, which tell it in their `error`.
  'WEBHOOK_UNREACHABLE',
  'WEBHOOK_TIMEOUT',
  'WEBHOOK_REDIRECTED',
  'WEBHOOK_REFUSED',
  'WEBHOOK_GONE',
  'USAGE',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'CONFIGURATION_INVALID',
  'PORT_IN_USE',
  'CANCELLED',
]);

let live: LiveServer;
let document: Document;
let key: string;

beforeAll(async () => {
  live = await startLiveServer({
    videos: ['people-detection'],
    configuration: { authentication: true },
    prepare: async (cliptrace) => {
      key = await makeKey(cliptrace.library, ['admin']);
      await watchSomething(cliptrace);
    },
  });
  document = (await (await fetch(`${live.api}/openapi.json`)).json()) as Document;
});

afterAll(() => live.close());

/** So that there is a watch 1 with a delivery 1, until a request removes it. */
async function watchSomething({ library, watchEmbedder }: OpenedCliptrace): Promise<void> {
  const source = { kind: 'video', videoId: 1, startSeconds: null, endSeconds: null } as const;
  const { contentHash } = (await library.getVideo(1)) as Video;
  const embedding = await watchEmbedder.embed({ ...source, contentHash });
  const { id } = await library.watches.create(
    {
      ...{ name: 'a', collection: null, threshold: 1, secret: createWebhookSecret() },
      // Nothing listens there, and nothing may.
      url: 'http://127.0.0.1:1/',
      source: { ...source, contentHash },
    },
    embedding,
    1,
  );
  await library.watches.createDelivery(testMessage((await library.watches.get(id)) as ClipWatch));
}

function operations(): { path: string; method: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

/** A schema of its own, without references. */
function resolved(schema: Schema): Schema {
  const text = JSON.stringify(schema, (_name, value: unknown) => {
    const reference = (value as { $ref?: string } | null)?.$ref;
    if (reference === undefined) return value;
    return resolved(document.components.schemas[reference.replace('#/components/schemas/', '')] as Schema);
  });
  return JSON.parse(text) as Schema;
}

function requestOf(
  path: string,
  method: string,
  operation: Operation,
  random: Random,
): { url: string; init: RequestInit } {
  const wildness = pick(random, [0, 0.05, 0.3]);
  const query = new URLSearchParams();
  let address = path;
  for (const { name, in: place, required, schema } of operation.parameters) {
    const value = generate(resolved(schema), random, wildness);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (place === 'path')
      address = address.replace(`{${name}}`, encodeURIComponent(pick(random, [text || '0', '1'])));
    else if (required || random() < 0.6) query.append(name, text);
  }
  if (random() < wildness) query.append(pick(random, ['unknown', 'ticket', 'limit']), '1');
  const init: RequestInit = { method: method.toUpperCase(), ...bearer(key) };
  const content = operation.requestBody?.content;
  if (content !== undefined) {
    const type = pick(random, Object.keys(content));
    const body = generate(resolved(content[type]?.schema as Schema), random, wildness);
    if (type === 'application/json') {
      init.headers = { ...init.headers, 'Content-Type': type };
      init.body = random() < wildness ? '{"broken' : JSON.stringify(body);
    } else init.body = formOf(body, operation, random);
  }
  return { url: `${live.url}${address}${query.size > 0 ? `?${query}` : ''}`, init };
}

function formOf(body: unknown, { operationId }: Operation, random: Random): FormData {
  const form = new FormData();
  const file = operationId === 'addVideo' ? 'video' : 'clip';
  for (const [name, value] of Object.entries((body ?? {}) as object)) {
    if (name !== file) form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const bytes = new Uint8Array(between(random, 0, 200)).map(() => between(random, 0, 256));
  form.append(file, new Blob([bytes]), 'clip.mp4');
  return form;
}

/** What is not as the document says; null when all is. */
async function breach(operation: Operation, response: Response): Promise<string | null> {
  const described = operation.responses[response.status];
  if (described === undefined) return `status ${response.status} is not described: ${await response.text()}`;
  const type = response.headers.get('Content-Type')?.split(';')[0] ?? null;
  if (type === null) return described.content === undefined ? null : 'no content type';
  const content = described.content?.[type] ?? described.content?.['video/*'];
  if (content === undefined) return `${type} is not described for ${response.status}`;
  if (content.schema === undefined) {
    await response.arrayBuffer();
    return null;
  }
  const body: unknown = await response.json();
  const local = JSON.stringify({ ...content.schema, $defs: document.components.schemas });
  const validator = z.fromJSONSchema(JSON.parse(local.replaceAll('#/components/schemas/', '#/$defs/')));
  const { error } = validator.safeParse(body);
  if (error !== undefined) return `${JSON.stringify(error.issues)} in ${JSON.stringify(body)}`;
  const code = type === 'application/problem+json' ? (body as { code: string }).code : null;
  if (code !== null && !described.description.includes(`\`${code}\``)) return `${code} is not described`;
  return code === 'INTERNAL' ? 'INTERNAL' : null;
}

describe('the OpenAPI document', () => {
  it('has every error code: in the schema of problems, and at an operation unless only commands tell it', () => {
    const problem = document.components.schemas.Problem as { properties: { code: { enum: string[] } } };
    expect(problem.properties.code.enum).toEqual(Object.keys(ERRORS));
    const descriptions = operations()
      .flatMap(({ operation }) => Object.values(operation.responses))
      .map(({ description }) => description)
      .join('\n');
    const missing = Object.keys(ERRORS).filter((code) => !descriptions.includes(`\`${code}\``));
    expect(missing.filter((code) => !NOT_OVER_HTTP.has(code))).toEqual([]);
  });

  it('is obeyed: generated requests, sound and wild, are answered as it says, and none breaks the server', {
    timeout: 300_000,
  }, async () => {
    const random = seeded(Number(process.env.TEST_FUZZ_SEED ?? 1));
    const breaches: string[] = [];
    const statuses = new Set<number>();
    for (const { path, method, operation } of operations()) {
      for (let count = 0; count < REQUESTS_PER_OPERATION; count += 1) {
        const { url, init } = requestOf(path, method, operation, random);
        const ends = AbortSignal.timeout(30_000);
        const response = await fetch(url, { ...init, signal: ends });
        statuses.add(response.status);
        const what = await breach(operation, response);
        if (what !== null) breaches.push(`${method} ${url.slice(live.url.length, 200)}: ${what}`);
      }
    }
    expect(breaches).toEqual([]);
    for (const status of [200, 202, 400, 404, 422]) expect(statuses).toContain(status);
    expect((await fetch(`${live.url}/readyz`)).status).toBe(200);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });
});

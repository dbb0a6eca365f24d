import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../index/errors.js';
import { API_PREFIX } from './address.js';
import { errorsOf, type Route, type Success } from './http/route.js';
import { jobEvents } from './schemas/jobs.js';
import { problem } from './schemas/problem.js';
import { VERSION } from './version.js';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the routes, made from the schemas that validate their requests. */
export function openApiDocument(routes: readonly Route[]): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    for (const address of route.alsoAtRoot
      ? [API_PREFIX + route.address, route.address]
      : [API_PREFIX + route.address]) {
      const suffix = address.startsWith(API_PREFIX) ? '' : 'AtRoot';
      paths[address] = { ...paths[address], [route.method]: operation(route, components, suffix) };
    }
  }
  for (const schema of Object.values(jobEvents)) components.use(schema, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'Cliptrace',
      version: VERSION,
      description:
        'Finds where a clip comes from and what looks and moves like it. Times are in seconds, ranges half-open.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: components.schemas },
  };
}

/** Named schemas, each kept once. */
class Components {
  readonly schemas: Record<string, unknown> = {};

  /** A JSON schema whose named parts are references to the document's components. */
  use(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _dialect, $defs, ...own } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
    for (const [name, definition] of Object.entries($defs ?? {}))
      this.schemas[name] = pointToComponents(definition);
    return pointToComponents(own) as Json;
  }
}

function pointToComponents(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function operation(route: Route, components: Components, suffix: string): Json {
  const body = requestBody(route, components);
  return {
    operationId: route.name + suffix,
    summary: route.summary,
    ...(route.description === null ? {} : { description: route.description }),
    parameters: [
      ...parameters(route.path, 'path', components),
      ...parameters(route.query, 'query', components),
    ],
    ...(body === null ? {} : { requestBody: body }),
    responses: { ...successes(route, components), ...failures(route, components) },
  };
}

function parameters(schema: z.ZodObject, place: 'path' | 'query', components: Components): Json[] {
  const { properties, required } = components.use(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties ?? {}).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || (required ?? []).includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function requestBody(route: Route, components: Components): Json | null {
  const content: Json = {};
  if (route.multipart !== null) {
    const { fileField, fileDescription, fields } = route.multipart;
    const { properties, required, ...rest } = components.use(fields, 'input') as {
      properties?: Json;
      required?: string[];
    };
    const file = {
      type: 'string',
      minLength: 1,
      contentMediaType: 'application/octet-stream',
      description: fileDescription,
    };
    content['multipart/form-data'] = {
      schema: {
        ...rest,
        properties: { [fileField]: file, ...properties },
        required: [fileField, ...(required ?? [])],
      },
    };
  }
  if (route.json !== null) content['application/json'] = { schema: components.use(route.json, 'input') };
  return Object.keys(content).length === 0 ? null : { required: true, content };
}

function successes(route: Route, components: Components): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, answer]) => [status, success(answer, components)]),
  );
}

function success({ description, schema, contentType, headers }: Success, components: Components): Json {
  const content =
    schema === null
      ? contentType === undefined
        ? {}
        : { content: { [contentType]: {} } }
      : { content: { [contentType ?? 'application/json']: { schema: components.use(schema, 'output') } } };
  const described = Object.entries(headers ?? {}).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' } },
  ]);
  return {
    description,
    ...(described.length === 0 ? {} : { headers: Object.fromEntries(described) }),
    ...content,
  };
}

/** One response a status; its description names the codes. */
function failures(route: Route, components: Components): Record<string, Json> {
  const codesOfStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(route)) {
    const { status } = ERRORS[code];
    codesOfStatus.set(status, [...(codesOfStatus.get(status) ?? []), code]);
  }
  const schema = components.use(problem, 'output');
  return Object.fromEntries(
    [...codesOfStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
        content: { 'application/problem+json': { schema } },
      },
    ]),
  );
}

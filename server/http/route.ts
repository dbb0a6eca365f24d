import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Scope } from '../../index/access/scopes.js';
import type { ErrorCode } from '../../index/errors.js';
import type { Principal } from '../access/principal.js';
import type { MediaLinks } from '../present/media-links.js';
import type { Services } from '../services.js';
import { MAX_JSON_BYTES } from './json-body.js';
import type { Upload } from './upload.js';

/** No parameter of this kind is accepted. */
export const nothing = z.strictObject({});
type Nothing = typeof nothing;

export interface Success {
  description: string;
  /** JSON by default. Null: an answer without a body, or one that `contentType` describes. */
  schema: z.ZodType | null;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface RouteContext<P, Q, J, F> {
  services: Services;
  /** Who asks. */
  principal: Principal;
  /** Addresses that they can use. */
  links: MediaLinks;
  path: P;
  query: Q;
  /** The JSON body; undefined when the request carries a file. */
  json: J | undefined;
  /** The file and its fields; undefined when the request carries JSON. Removed when the handler is done. */
  upload: { file: Upload; fields: F } | undefined;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  request: Request;
  response: Response;
}

/** What a handler answers with; undefined when it has written the response itself. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

type Fields = z.ZodObject;
type RouteMethod = 'get' | 'post' | 'patch' | 'delete';

interface RouteSpecification<P extends Fields, Q extends Fields, J extends Fields, F extends Fields> {
  /** operationId of the OpenAPI document. */
  name: string;
  method: RouteMethod;
  /** Below /api/v1, parameters in braces. */
  address: string;
  /** Served without the /api/v1 prefix too. */
  alsoAtRoot?: boolean;
  /** What an API key must be good for, where the server asks for keys; null: open to everyone. */
  scope: Scope | null;
  /** What it must be good for besides. */
  alsoScope?: Scope;
  /** A ticket for the video of the address may stand for a key. */
  acceptsTicket?: boolean;
  /** Without a key, no limit counts it: what watches over the server asks often, and must not be told that it is down. */
  isProbe?: boolean;
  summary: string;
  description?: string;
  path?: P;
  query?: Q;
  json?: J;
  /** Of the JSON body; 64 KiB by default. */
  maxJsonBytes?: number;
  multipart?: { fileField: string; fileDescription: string; fields: F };
  answers: Readonly<Record<number, Success>>;
  /** Besides those that every route can answer with. */
  errors: readonly ErrorCode[];
  /** Throws when a file is not even to be received, because it could not be worked on. */
  admit?(services: Services): void;
  handle(
    context: RouteContext<z.output<P>, z.output<Q>, z.output<J>, z.output<F>>,
  ): Promise<Answer | undefined> | Answer | undefined;
}

/** A route with the types of its handler forgotten: what the table, the app and the document work with. */
export interface Route {
  readonly name: string;
  readonly method: RouteMethod;
  readonly address: string;
  readonly alsoAtRoot: boolean;
  readonly scope: Scope | null;
  readonly alsoScope: Scope | null;
  readonly acceptsTicket: boolean;
  readonly isProbe: boolean;
  readonly summary: string;
  readonly description: string | null;
  readonly path: z.ZodObject;
  readonly query: z.ZodObject;
  readonly json: z.ZodObject | null;
  readonly maxJsonBytes: number;
  readonly multipart: { fileField: string; fileDescription: string; fields: z.ZodObject } | null;
  readonly answers: Readonly<Record<number, Success>>;
  readonly errors: readonly ErrorCode[];
  admit(services: Services): void;
  handle(context: RouteContext<unknown, unknown, unknown, unknown>): Promise<Answer | undefined>;
}

/** Ties a handler to the schemas that its input was validated with. */
export function defineRoute<
  P extends Fields = Nothing,
  Q extends Fields = Nothing,
  J extends Fields = Nothing,
  F extends Fields = Nothing,
>(specification: RouteSpecification<P, Q, J, F>): Route {
  return Object.freeze({
    name: specification.name,
    method: specification.method,
    address: specification.address,
    alsoAtRoot: specification.alsoAtRoot ?? false,
    scope: specification.scope,
    alsoScope: specification.alsoScope ?? null,
    acceptsTicket: specification.acceptsTicket ?? false,
    isProbe: specification.isProbe ?? false,
    summary: specification.summary,
    description: specification.description ?? null,
    path: specification.path ?? nothing,
    query: specification.query ?? nothing,
    json: specification.json ?? null,
    maxJsonBytes: specification.maxJsonBytes ?? MAX_JSON_BYTES,
    multipart: specification.multipart ?? null,
    answers: specification.answers,
    errors: specification.errors,
    admit: (services: Services) => specification.admit?.(services),
    // The app validates with the very schemas above before it calls.
    handle: async (context: RouteContext<unknown, unknown, unknown, unknown>) =>
      specification.handle(context as RouteContext<z.output<P>, z.output<Q>, z.output<J>, z.output<F>>),
  });
}

/** Codes that any route can answer with, on top of its own. */
export function errorsOf(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>([
    'REQUEST_INVALID',
    'KEY_INVALID',
    'ORIGIN_NOT_ALLOWED',
    'TOO_MANY_REQUESTS',
    'INTERNAL',
    ...route.errors,
  ]);
  if (route.scope !== null) codes.add('KEY_REQUIRED').add('KEY_NOT_ALLOWED');
  if (route.json !== null || route.multipart !== null) {
    codes.add('MEDIA_TYPE_NOT_SUPPORTED').add('UPLOAD_TOO_LARGE');
  }
  if (route.multipart !== null) {
    for (const code of UPLOAD_ERRORS) codes.add(code);
  }
  return [...codes];
}

const UPLOAD_ERRORS: readonly ErrorCode[] = [
  'UPLOAD_MISSING',
  'UPLOAD_INVALID',
  'FILE_EMPTY',
  'TOO_MANY_REQUESTS',
  'DISK_FULL',
];

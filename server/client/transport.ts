import type { Problem } from '../schemas/problem.js';
import { Cancelled, RequestFailed } from './errors.js';
import { sendWithProgress } from './upload.js';

export interface TransportOptions {
  /** Where the server is, e.g. `http://localhost:8080`; '' in its own page. */
  url: string;
  /** The API key, or where it is to be had at each request. */
  key?: string | (() => string | null) | undefined;
}

export interface TransportRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below /api/v1. */
  path: string;
  json?: unknown;
  form?: FormData | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((sent: number) => void) | undefined;
}

const PREFIX = '/api/v1';

/** Sends requests with the key, and makes errors of refusals. */
export class Transport {
  readonly #base: string;
  readonly #key: () => string | null;

  constructor({ url, key }: TransportOptions) {
    this.#base = url.replace(/\/+$/, '');
    this.#key = typeof key === 'function' ? key : () => key ?? null;
  }

  /** The JSON of the answer; undefined when it has none. Throws RequestFailed, Cancelled. */
  async call<T>(request: TransportRequest): Promise<T> {
    const response = await this.send(request);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** The answer, when it is no refusal. */
  async send(request: TransportRequest): Promise<Response> {
    const response = await this.reach(request);
    if (response.ok) return response;
    const problem = await problemOf(response);
    throw new RequestFailed({
      status: response.status,
      problem,
      retryAfter: response.headers.get('Retry-After'),
    });
  }

  /** Any answer at all. */
  async reach({
    method,
    path,
    json,
    form,
    headers,
    signal,
    onProgress,
  }: TransportRequest): Promise<Response> {
    const key = this.#key();
    const url = this.#base + PREFIX + path;
    const all: Record<string, string> = {
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    };
    try {
      if (form !== undefined && onProgress !== undefined) {
        return await sendWithProgress({ url, form, headers: all, signal, onProgress });
      }
      const body = json === undefined ? form : JSON.stringify(json);
      return await fetch(url, {
        method,
        headers: all,
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (cause) {
      if (signal?.aborted || cause instanceof Cancelled) throw new Cancelled();
      throw new RequestFailed(null, cause);
    }
  }
}

export type FieldValues = Readonly<
  Record<string, string | number | boolean | undefined | Readonly<Record<string, string>>>
>;

/** `{meta: {camera: '3'}}` becomes `{'meta.camera': '3'}`. */
export function flattened(fields: FieldValues): Record<string, string | number | boolean | undefined> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]): [string, string | number | boolean | undefined][] =>
      typeof value === 'object'
        ? Object.entries(value).map(([key, member]) => [`${name}.${key}`, member])
        : [[name, value]],
    ),
  );
}

/** `?a=1&b=2` of what is given; '' of nothing. */
export function queryText(query: FieldValues): string {
  const given = Object.entries(flattened(query)).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

async function problemOf(response: Response): Promise<Problem | null> {
  const isProblem = response.headers.get('Content-Type')?.includes('problem+json') === true;
  return isProblem ? ((await response.json().catch(() => null)) as Problem | null) : null;
}

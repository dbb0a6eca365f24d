import { realpathSync, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { z } from 'zod';
import { CliptraceError, type ErrorCode } from '../index/errors.js';
import { collectionNameSchema } from '../index/library/collection-name.js';
import { NAMES_READ_ELSEWHERE, SETTING_NAMES } from '../index/settings.js';
import { DEFAULT_RESCAN_SECONDS, DEFAULT_SETTLE_SECONDS } from '../index/watch/defaults.js';
import { isNetwork } from '../index/webhooks/address-rules.js';
import { isLoopback } from './http/security.js';

/** What the server is told from outside. Read once at the start, frozen, handed on as an argument. */
export interface ServerConfiguration {
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** Real paths of the folders below which `POST /jobs` may index. */
  readonly archiveRoots: readonly string[];
  /** Folders that the server follows by itself: real paths, what they go into, and how. Empty: none. */
  readonly watch: {
    readonly roots: readonly string[];
    readonly collection: string;
    readonly settleMs: number;
    readonly rescanMs: number;
  };
  /** Host names by which the server may be addressed, besides its own address. Lower case, without port. */
  readonly allowedHosts: readonly string[];
  /** Whether requests must carry an API key. */
  readonly authentication: boolean;
  /** Origins whose pages may use the interface from a browser. Empty: none. */
  readonly corsOrigins: readonly string[];
  /** Proxies whose word is taken for the address of a client: addresses, networks (CIDR). */
  readonly trustedProxies: readonly string[];
  /** Requests a minute of one address, and of one key; null = unbounded. */
  readonly rateLimitPerMinute: number | null;
  /** Requests in hand of one key, or of one address without a key; null = unbounded. */
  readonly maxConcurrentPerClient: number | null;
  readonly webhooks: {
    /** Where webhooks may lead though it is not public: host names, addresses, networks (CIDR). Empty: nowhere. */
    readonly allow: readonly string[];
    /** For the name, and again for the answer. */
    readonly timeoutMs: number;
    /** Deliveries that may be tried at the same time. */
    readonly maxConcurrent: number;
  };
  readonly maxWatches: number;
  readonly maxUploadBytes: number;
  /** Uploads that may be received at the same time. */
  readonly maxConcurrentUploads: number;
  /** Searches that may decode an upload at the same time. */
  readonly maxConcurrentDecodes: number;
  /** Event streams that may be open at the same time. */
  readonly maxEventStreams: number;
  /** From the first byte of a request to its last. */
  readonly uploadTimeoutMs: number;
  readonly eventHeartbeatMs: number;
  /** How long `close()` waits for requests in hand. */
  readonly shutdownTimeoutMs: number;
  readonly logLevel: LogLevel;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Options of the command line; they win over the environment. */
export interface ServerFlags {
  host?: string | undefined;
  auth?: string | undefined;
  port?: string | number | undefined;
  logLevel?: string | undefined;
  webhookAllow?: string | undefined;
}

const MiB = 1024 * 1024;

const wholeNumber = (minimum: number, maximum: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${minimum} to ${maximum}`)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must lie between ${minimum} and ${maximum}`)
    .default(fallback);

/** As `wholeNumber`, 0 = none; null when nothing is said. */
const bound = (maximum: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from 0 to ${maximum} (0 = no limit)`)
    .transform(Number)
    .refine((value) => value <= maximum, `must be at most ${maximum}`)
    .nullable()
    .default(null);

const list = (separator: string) =>
  z
    .string()
    .transform((text) =>
      text
        .split(separator)
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .default([]);

const AUTH_MODES = ['auto', 'required', 'off'] as const;
/** Where keys are asked for, unless something else is said. */
const RATE_LIMIT_PER_MINUTE = 1200;
const MAX_CONCURRENT_PER_CLIENT = 32;

const origins = list(',').refine(
  (values) => values.every((value) => URL.canParse(value) && new URL(value).origin === value),
  'must list origins like https://video.example, without a path',
);

const proxies = list(',').refine(
  (values) => values.every(isProxy),
  'must list IP addresses, networks like 10.0.0.0/8, or loopback, linklocal, uniquelocal',
);

function isProxy(text: string): boolean {
  return ['loopback', 'linklocal', 'uniquelocal'].includes(text) || isNetwork(text);
}

const webhookTargets = list(',').refine(
  (values) =>
    values.every((value) => isNetwork(value) || (/^[\w.-]{1,255}$/.test(value) && !/^[\d.]+$/.test(value))),
  'must list host names, IP addresses and networks like 10.0.0.0/8',
);

/** One line for each variable: its name, its range, its default. docs/api.md shows the same table. */
export const SERVER_VARIABLES = {
  CLIPTRACE_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]{1,255}$/, 'must be a host name or an IP address')
    .default('127.0.0.1'),
  CLIPTRACE_PORT: wholeNumber(0, 65_535, 8080),
  CLIPTRACE_ARCHIVE_ROOTS: list(delimiter),
  CLIPTRACE_ALLOWED_HOSTS: list(','),
  CLIPTRACE_AUTH: z.enum(AUTH_MODES, `must be one of ${AUTH_MODES.join(', ')}`).default('auto'),
  CLIPTRACE_CORS_ORIGINS: origins,
  CLIPTRACE_TRUSTED_PROXIES: proxies,
  CLIPTRACE_RATE_LIMIT_PER_MINUTE: bound(1_000_000),
  CLIPTRACE_MAX_CONCURRENT_PER_CLIENT: bound(10_000),
  CLIPTRACE_WATCH: list(delimiter),
  CLIPTRACE_WATCH_COLLECTION: collectionNameSchema.default('default'),
  CLIPTRACE_WATCH_SETTLE_SECONDS: wholeNumber(1, 86_400, DEFAULT_SETTLE_SECONDS),
  CLIPTRACE_WATCH_RESCAN_SECONDS: wholeNumber(1, 604_800, DEFAULT_RESCAN_SECONDS),
  CLIPTRACE_WEBHOOK_ALLOW: webhookTargets,
  CLIPTRACE_WEBHOOK_TIMEOUT_SECONDS: wholeNumber(1, 120, 15),
  CLIPTRACE_MAX_CONCURRENT_WEBHOOKS: wholeNumber(1, 256, 32),
  CLIPTRACE_MAX_WATCHES: wholeNumber(0, 100_000, 200),
  CLIPTRACE_MAX_UPLOAD_BYTES: wholeNumber(1, 1_000_000 * MiB, 2048 * MiB),
  CLIPTRACE_MAX_CONCURRENT_UPLOADS: wholeNumber(1, 1000, 8),
  CLIPTRACE_MAX_CONCURRENT_DECODES: wholeNumber(1, 256, 2),
  CLIPTRACE_MAX_EVENT_STREAMS: wholeNumber(1, 10_000, 100),
  CLIPTRACE_UPLOAD_TIMEOUT_SECONDS: wholeNumber(1, 86_400, 900),
  CLIPTRACE_EVENT_HEARTBEAT_SECONDS: wholeNumber(1, 300, 15),
  CLIPTRACE_SHUTDOWN_SECONDS: wholeNumber(0, 3600, 6),
  CLIPTRACE_LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
} as const;

const SCHEMA = z.object(SERVER_VARIABLES);

/** Variables that other parts of the product read; not ours to judge, but known. */
const VARIABLES_OF_OTHERS: ReadonlySet<string> = new Set([...SETTING_NAMES, ...NAMES_READ_ELSEWHERE]);

const FLAG_OF_VARIABLE = new Map<string, keyof ServerFlags>([
  ['CLIPTRACE_HOST', 'host'],
  ['CLIPTRACE_PORT', 'port'],
  ['CLIPTRACE_AUTH', 'auth'],
  ['CLIPTRACE_LOG_LEVEL', 'logLevel'],
  ['CLIPTRACE_WEBHOOK_ALLOW', 'webhookAllow'],
]);

/**
 * Reads and checks everything at once. CONFIGURATION_INVALID (USAGE when flags alone are wrong) names each variable or flag that is wrong, its
 * value and the allowed range. An unknown CLIPTRACE_ variable is refused: it is nearly always a misspelling.
 */
export function loadServerConfiguration(
  environment: Readonly<Record<string, string | undefined>>,
  flags: ServerFlags = {},
): ServerConfiguration {
  const problems: string[] = unknownVariables(environment);
  let isOfFlags = problems.length === 0;
  const given: Record<string, string> = {};
  for (const name of Object.keys(SERVER_VARIABLES)) {
    const flag = FLAG_OF_VARIABLE.get(name);
    const value = (flag === undefined ? undefined : flags[flag]) ?? environment[name];
    // An empty variable is how a shell says "not set".
    if (value !== undefined && value !== '') given[name] = String(value);
  }
  const parsed = SCHEMA.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const name = String(issue.path[0]);
      const source = sourceOf(name, flags);
      problems.push(`${source} is ${JSON.stringify(given[name])}: it ${issue.message}`);
      isOfFlags &&= source.startsWith('--');
    }
  }
  if (!parsed.success || problems.length > 0)
    throw invalid(problems, undefined, isOfFlags ? 'USAGE' : undefined);
  const values = parsed.data;
  return Object.freeze({
    host: values.CLIPTRACE_HOST,
    port: values.CLIPTRACE_PORT,
    archiveRoots: Object.freeze(
      values.CLIPTRACE_ARCHIVE_ROOTS.map((text) => realFolder('CLIPTRACE_ARCHIVE_ROOTS', text)),
    ),
    watch: Object.freeze({
      roots: Object.freeze(values.CLIPTRACE_WATCH.map((text) => realFolder('CLIPTRACE_WATCH', text))),
      collection: values.CLIPTRACE_WATCH_COLLECTION,
      settleMs: values.CLIPTRACE_WATCH_SETTLE_SECONDS * 1000,
      rescanMs: values.CLIPTRACE_WATCH_RESCAN_SECONDS * 1000,
    }),
    allowedHosts: Object.freeze(values.CLIPTRACE_ALLOWED_HOSTS.map((host) => host.trim().toLowerCase())),
    ...accessOf(values),
    webhooks: Object.freeze({
      allow: Object.freeze(values.CLIPTRACE_WEBHOOK_ALLOW),
      timeoutMs: values.CLIPTRACE_WEBHOOK_TIMEOUT_SECONDS * 1000,
      maxConcurrent: values.CLIPTRACE_MAX_CONCURRENT_WEBHOOKS,
    }),
    maxWatches: values.CLIPTRACE_MAX_WATCHES,
    maxUploadBytes: values.CLIPTRACE_MAX_UPLOAD_BYTES,
    maxConcurrentUploads: values.CLIPTRACE_MAX_CONCURRENT_UPLOADS,
    maxConcurrentDecodes: values.CLIPTRACE_MAX_CONCURRENT_DECODES,
    maxEventStreams: values.CLIPTRACE_MAX_EVENT_STREAMS,
    uploadTimeoutMs: values.CLIPTRACE_UPLOAD_TIMEOUT_SECONDS * 1000,
    eventHeartbeatMs: values.CLIPTRACE_EVENT_HEARTBEAT_SECONDS * 1000,
    shutdownTimeoutMs: values.CLIPTRACE_SHUTDOWN_SECONDS * 1000,
    logLevel: values.CLIPTRACE_LOG_LEVEL,
  });
}

/** Off on loopback, where only this machine comes; on everywhere else, unless told otherwise. */
function accessOf(
  values: z.output<typeof SCHEMA>,
): Pick<
  ServerConfiguration,
  'authentication' | 'corsOrigins' | 'trustedProxies' | 'rateLimitPerMinute' | 'maxConcurrentPerClient'
> {
  const mode = values.CLIPTRACE_AUTH;
  const authentication = mode === 'auto' ? !isLoopback(values.CLIPTRACE_HOST) : mode === 'required';
  const limit = (given: number | null, fallback: number) =>
    given === null ? (authentication ? fallback : null) : given === 0 ? null : given;
  return {
    authentication,
    corsOrigins: Object.freeze(values.CLIPTRACE_CORS_ORIGINS),
    trustedProxies: Object.freeze(values.CLIPTRACE_TRUSTED_PROXIES),
    rateLimitPerMinute: limit(values.CLIPTRACE_RATE_LIMIT_PER_MINUTE, RATE_LIMIT_PER_MINUTE),
    maxConcurrentPerClient: limit(values.CLIPTRACE_MAX_CONCURRENT_PER_CLIENT, MAX_CONCURRENT_PER_CLIENT),
  };
}

function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('CLIPTRACE_'))
    .filter((name) => !(name in SERVER_VARIABLES) && !VARIABLES_OF_OTHERS.has(name))
    .map((name) => `${name} is not a variable of Cliptrace; known are ${knownVariables().join(', ')}`);
}

function knownVariables(): string[] {
  return [...VARIABLES_OF_OTHERS, ...Object.keys(SERVER_VARIABLES)].sort();
}

function sourceOf(name: string, flags: ServerFlags): string {
  const flag = FLAG_OF_VARIABLE.get(name);
  if (flag === undefined || flags[flag] === undefined) return name;
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Resolved now, so that a later change of a symlink on the way to the folder opens nothing else. */
function realFolder(variable: string, text: string): string {
  try {
    const path = realpathSync(resolve(text));
    if (statSync(path).isDirectory()) return path;
  } catch (cause) {
    throw invalid([`${variable} names ${JSON.stringify(text)}, which cannot be opened`], cause);
  }
  throw invalid([`${variable} names ${JSON.stringify(text)}, which is not a folder`]);
}

function invalid(
  problems: string[],
  cause?: unknown,
  code: ErrorCode = 'CONFIGURATION_INVALID',
): CliptraceError {
  return new CliptraceError(code, `${problems.join('; ')}.`, {
    cause,
    details: { problems },
  });
}

import type { z } from 'zod';
import { CliptraceError } from '../../index/errors.js';

export interface FieldProblem {
  field: string;
  message: string;
}

/** Validates a JSON value. REQUEST_INVALID names every field that is wrong. `part` is what the fields stand in. */
export function parse(schema: z.ZodObject, value: unknown, part: string): unknown {
  refusePrototypes(schema, value);
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw requestInvalid(parsed.error.issues.flatMap((issue) => fieldProblems(issue, schema, part)));
}

/** zod passes over this member of a record: a filter by it would be none. */
function refusePrototypes(schema: z.ZodObject, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (!Object.hasOwn(schema.shape, field) || !isRecord(schema.shape[field])) continue;
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, '__proto__')) continue;
    throw requestInvalid([
      { field: `${field}.__proto__`, message: 'is no key that can be used; name it otherwise' },
    ]);
  }
}

/** Validates fields that came as text (path, query, multipart): numbers and true or false are read where the schema wants them. */
export function parseText(
  schema: z.ZodObject,
  fields: Readonly<Record<string, unknown>>,
  part: string,
): unknown {
  // Without a prototype, so that a field named __proto__ is a field like any other, and refused.
  const value: Record<string, unknown> = Object.create(null);
  for (const [name, text] of Object.entries(fields)) {
    const member = MEMBER.exec(name);
    if (member?.[1] !== undefined && member[2] !== undefined && isRecord(schema.shape[member[1]])) {
      value[member[1]] = { ...(value[member[1]] as object | undefined), [member[2]]: text };
      continue;
    }
    const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    value[name] = field === undefined ? text : readText(field, text);
  }
  return parse(schema, value, part);
}

/** `meta.camera=3` stands for a member of the field `meta`, where that is a record. */
const MEMBER = /^(\w+)\.([\w.-]+)$/;

function isRecord(schema: z.core.$ZodType | undefined): boolean {
  return schema !== undefined && typeOf(schema) === 'record';
}

export function requestInvalid(errors: FieldProblem[]): CliptraceError {
  const detail = errors
    .map(({ field, message }) => (field === '' ? message : `${field} ${message}`))
    .join('; ');
  return new CliptraceError('REQUEST_INVALID', `${detail}.`, { details: { errors } });
}

function readText(schema: z.core.$ZodType, text: unknown): unknown {
  const type = typeOf(schema);
  if (type === 'number') return readNumber(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** Of the schema inside of defaults and options. */
function typeOf(schema: z.core.$ZodType): string {
  const definition = schema._zod.def as { type: string; innerType?: z.core.$ZodType };
  return definition.innerType === undefined ? definition.type : typeOf(definition.innerType);
}

/** Plain decimals only: `Number` alone would take '', ' 1', '0x10' and 'Infinity'. What is none stays text and fails. */
function readNumber(text: unknown): unknown {
  return typeof text === 'string' && /^-?\d{1,16}(\.\d{1,30})?$/.test(text) ? Number(text) : text;
}

function fieldProblems(issue: z.core.$ZodIssue, schema: z.ZodObject, part: string): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema.shape);
    const remedy = known.length === 0 ? 'none are accepted here' : `known are ${known.join(', ')}`;
    return issue.keys.map((key) => ({
      field: shown(key, 60),
      message: `is not a known field of the ${part}; ${remedy}`,
    }));
  }
  const field = issue.path.map(String).join('.');
  if (issue.input === undefined && issue.code === 'invalid_type') return [{ field, message: 'is missing' }];
  if (field === '') return [{ field, message: `the ${part} ${expectation(issue)}` }];
  // A rule over several fields has the whole object as its input, which says nothing.
  const bad = issue.code === 'custom' ? '' : `, but is ${shownValue(issue.input)}`;
  return [{ field, message: `${expectation(issue)}${bad}` }];
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'must be a whole number' : `must be ${article(issue.expected)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  return origin === 'string' ? ' characters long' : '';
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function shownValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shown(value, 80));
  return shown(JSON.stringify(value) ?? String(value), 80);
}

function shown(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

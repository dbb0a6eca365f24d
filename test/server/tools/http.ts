import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { ERRORS, type ErrorCode } from '../../../index/errors.js';
import type { Problem } from '../../../server/schemas/problem.js';

export function postJson(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    ...init,
    headers: { 'Content-Type': 'application/json', ...init.headers },
    body: JSON.stringify(body),
  });
}

export async function formWith(
  field: string,
  path: string,
  fields: Record<string, string> = {},
  fileName = 'clip.mp4',
): Promise<FormData> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append(field, new Blob([await readFile(path)]), fileName);
  return form;
}

export function postForm(url: string, form: FormData, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { method: 'POST', ...init, body: form });
}

/** Asserts that an answer is the problem of a code, in every part, and returns it. */
export async function expectProblem(response: Response, code: ErrorCode): Promise<Problem> {
  const problem = (await response.json()) as Problem;
  const { status, title } = ERRORS[code];
  expect(problem).toMatchObject({ code, status, title, type: `/problems/${code}` });
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
  expect(problem.detail.length).toBeGreaterThan(10);
  expect(problem.instance).toBe(`urn:uuid:${response.headers.get('X-Request-Id')}`);
  return problem;
}

export async function until<T>(
  what: string,
  probe: () => Promise<T | false> | T | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

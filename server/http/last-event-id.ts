import type { Request } from 'express';
import { z } from 'zod';
import { parseText } from './parse.js';

const header = z.strictObject({ 'Last-Event-ID': z.int().min(0).optional() });

/**
 * The number of the last event that a client has; null when it asks from now on. The header, which a browser sends when it
 * connects again, goes before the query. REQUEST_INVALID for what is no number.
 */
export function lastEventIdOf(request: Request, fromQuery: number | undefined): number | null {
  const text = request.headers['last-event-id'];
  // An empty one is how a client says that it has none.
  if (typeof text !== 'string' || text === '') return fromQuery ?? null;
  const parsed = parseText(header, { 'Last-Event-ID': text }, 'header') as z.output<typeof header>;
  return parsed['Last-Event-ID'] ?? null;
}

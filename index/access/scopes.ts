/**
 * What an API key is good for. `search`: search and look at videos; `ingest`: add and remove videos, jobs; `admin`:
 * everything, archive paths and metrics included.
 */
export const SCOPES = ['search', 'ingest', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

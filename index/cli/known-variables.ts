import { NAMES_READ_ELSEWHERE, SETTING_NAMES } from '../settings.js';

/** Of the server, where it is there: by address and not by import, see `serve`. */
export async function serverVariables(): Promise<string[]> {
  const address = new URL('../../server/configuration.js', import.meta.url).href;
  const server = (await import(address).catch(() => null)) as { SERVER_VARIABLES?: object } | null;
  return Object.keys(server?.SERVER_VARIABLES ?? {});
}

/**
 * Variables that are nearly always misspellings. `serve` refuses them; a command, which may run in the environment of something
 * else, only says so. The server's are looked up only when there is something to look up: that takes time.
 */
export async function unknownVariables(env: NodeJS.ProcessEnv): Promise<string[]> {
  const isOurs = new Set<string>([...SETTING_NAMES, ...NAMES_READ_ELSEWHERE]);
  const strange = Object.keys(env).filter(
    (name) => name.startsWith('CLIPTRACE_') && env[name] !== '' && !isOurs.has(name),
  );
  if (strange.length === 0) return [];
  const ofServer = new Set(await serverVariables());
  return strange.filter((name) => !ofServer.has(name));
}

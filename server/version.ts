import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version in package.json, which lies one folder up from source and two from dist. */
export const VERSION: string = readVersion(dirname(fileURLToPath(import.meta.url)));

function readVersion(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file))
    return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
  if (dirname(folder) === folder) throw new Error('package.json was not found above the server folder.');
  return readVersion(dirname(folder));
}

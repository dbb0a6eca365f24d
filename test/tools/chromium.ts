import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
const INSTALL_TIMEOUT_MS = 5 * 60_000;

/** For tests: no sandbox as root, and none of the connections that a browser makes on its own account. */
export const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--autoplay-policy=no-user-gesture-required',
];

/**
 * Path of a Chromium that a test can drive: CHROMIUM_PATH, one on PATH, or Debian's package, which is installed
 * when this process may do so. Throws with the remedy otherwise.
 */
export function findChromium(): string {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined && given !== '') {
    if (existsSync(given)) return given;
    throw new Error(`CHROMIUM_PATH is ${JSON.stringify(given)}, which does not exist.`);
  }
  const found = onPath(NAMES);
  if (found !== null) return found;
  installFromDebian();
  const installed = onPath(NAMES);
  if (installed !== null) return installed;
  throw new Error(
    'No Chromium was found for the browser test. Install it (apt-get install chromium), or set CHROMIUM_PATH.',
  );
}

function onPath(names: readonly string[]): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const places = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...places, MAC].find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installFromDebian(): void {
  if (process.getuid?.() !== 0 || onPath(['apt-get']) === null) return;
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const step of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const { status, stderr } = spawnSync('apt-get', step, {
      env: environment,
      timeout: INSTALL_TIMEOUT_MS,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`apt-get ${step.join(' ')} failed:\n${stderr.slice(-2000)}`);
  }
}

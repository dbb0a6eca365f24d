#!/usr/bin/env node
// Builds dist/ from source: the library, the command and the server, then the page. Node only, so that it runs anywhere.
//   node test/tools/build.mjs          everything
//   node test/tools/build.mjs --page   the page alone
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const dist = join(root, 'dist');
const command = join(dist, 'index', 'cli.js');
const STATIC_FILES = /\.(html|css|svg|png|ico|webmanifest)$/;

const compiler = findCompiler();
if (compiler === null) {
  const isBuilt = existsSync(command);
  console.error(
    isBuilt
      ? 'TypeScript is not installed; dist/ is kept as it is.'
      : 'TypeScript is not installed, so dist/ is not built. Run `npm install` with development dependencies.',
  );
  // `prepare` also runs where only the dependencies of the finished package are wanted: no reason to fail there.
  process.exit(isBuilt || process.env.npm_lifecycle_event === 'prepare' ? 0 : 1);
}

const pageOnly = process.argv.includes('--page');
rmSync(pageOnly ? join(dist, 'server', 'web') : dist, { recursive: true, force: true, maxRetries: 3 });
if (!pageOnly) compile('tsconfig.build.json');
compile(join('server', 'web', 'tsconfig.json'));
copyStaticFiles(join(root, 'server', 'web'), join(dist, 'server', 'web'));
if (existsSync(command)) chmodSync(command, 0o755);

/** Path of the compiler's script; null when it is not installed. */
function findCompiler() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return null;
  }
}

function compile(project) {
  const { status, error } = spawnSync(process.execPath, [compiler, '-p', project], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    console.error(`tsc -p ${project} failed.`);
    process.exit(1);
  }
}

function copyStaticFiles(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) copyStaticFiles(join(from, entry.name), join(to, entry.name));
    else if (STATIC_FILES.test(entry.name)) copyFileSync(join(from, entry.name), join(to, entry.name));
  }
}

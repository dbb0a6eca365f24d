import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * In the place of `index/threads/worker-thread.ts` in tests: threads run the build, as those of users do. From the sources each would
 * load a compiler first, which takes longer than most tests. `build-once.ts` has seen to it that dist/ is that of the sources.
 */
export function startWorker(name: string, parentUrl: string, workerData: unknown): Worker {
  const folder = path.relative(root, path.dirname(fileURLToPath(parentUrl)));
  const built = pathToFileURL(path.join(root, 'dist', folder, `${name}.js`));
  return new Worker(built, { workerData, execArgv: [] });
}

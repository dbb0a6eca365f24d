import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Starts the module `name` beside `parentUrl` in a thread: from the build as it is, from TypeScript source through tsx.
 * A worker does not inherit the loader that vitest or tsx gave this thread.
 */
export function startWorker(name: string, parentUrl: string, workerData: unknown): Worker {
  if (!parentUrl.endsWith('.ts'))
    return new Worker(new URL(`./${name}.js`, parentUrl), { workerData, execArgv: [] });
  // Registered inside the worker: `--import tsx` is without effect in a worker of a process that tsx itself started.
  const tsx = pathToFileURL(createRequire(parentUrl).resolve('tsx'));
  const api = new URL('./esm/api/index.mjs', tsx).href;
  const module = new URL(`./${name}.ts`, parentUrl).href;
  const start = `import(${JSON.stringify(api)}).then(({ register }) => { register(); return import(${JSON.stringify(module)}); });`;
  return new Worker(start, { eval: true, workerData, execArgv: [] });
}

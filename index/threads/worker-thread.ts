import { Worker } from 'node:worker_threads';

/** Starts the module `name` beside `parentUrl` in a thread: from the build as it is, from TypeScript source through tsx. */
export function startWorker(name: string, parentUrl: string, workerData: unknown): Worker {
  // Options of the main program (loaders, inspectors, a vitest pool's) are not for the worker.
  const options = { workerData, execArgv: [] };
  if (!parentUrl.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, parentUrl), options);
  const module = new URL(`./${name}.ts`, parentUrl).href;
  return new Worker(new URL('./typescript-worker.mjs', import.meta.url), { ...options, argv: [module] });
}

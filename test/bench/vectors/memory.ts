import { setTimeout as wait } from 'node:timers/promises';

export function residentMB(): number {
  return process.memoryUsage.rss() / 1e6;
}

/** After a collection of garbage, where Node was started with --expose-gc. */
export async function settledMB(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    (globalThis as { gc?: () => void }).gc?.();
    await wait(50);
  }
  return residentMB();
}

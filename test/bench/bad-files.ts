import { loadavg } from 'node:os';
import { countFailures } from '../../index/ingest/failure-counts.js';
import { writeBadArchive } from '../fixtures/bad-archive.js';
import { DAMAGES } from '../fixtures/damages.js';
import { createWorkspace, indexInto } from '../helpers/workspace.js';
import { measure } from './measure.js';

/** `npm run bench -- bad-files [COUNT] [SEED]`: indexes an archive of which a fifth is damaged in twenty ways, and tells what became of each. */
export async function benchBadFiles([countText = '1000', seedText = '1']: readonly string[]): Promise<void> {
  const count = Number(countText);
  const workspace = createWorkspace();
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  try {
    const { good, damaged } = await writeBadArchive({
      folder: workspace.archive,
      count,
      damagedCount: Math.floor(count / 5),
      seed: Number(seedText),
    });
    print(
      `${count} files, ${damaged.length} of them damaged, seed ${seedText}; load ${loadavg()[0]?.toFixed(1)}`,
    );
    const cliptrace = await workspace.open();
    const { result, wallMs } = await measure(() => indexInto(cliptrace, [workspace.archive]));
    const { job, files } = result;
    const outcomes = new Map(files.map((file) => [file.path, file.code ?? file.outcome]));
    print(
      `${job.status} in ${(wallMs / 1000).toFixed(1)} s (${(wallMs / count).toFixed(0)} ms a file), ` +
        `peak of this process ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
    );
    print(
      `Good files that are indexed: ${good.filter((file) => outcomes.get(file) === 'indexed').length} of ${good.length}`,
    );
    for (const { kind, expected } of DAMAGES) {
      const told = damaged
        .filter(({ damage }) => damage.kind === kind)
        .map(({ file }) => outcomes.get(file) ?? 'nothing');
      const counts = [...new Set(told)].map(
        (one) => `${one} ${told.filter((other) => other === one).length}`,
      );
      const odd = told.some((one) => !expected.test(one)) ? '  <- not as expected' : '';
      print(`  ${kind.padEnd(24)} ${counts.join(', ')}${odd}`);
    }
    print(`Failures by code: ${JSON.stringify(countFailures(files))}`);
    await cliptrace.close();
  } finally {
    workspace.remove();
  }
}

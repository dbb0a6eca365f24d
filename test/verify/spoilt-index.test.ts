import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../index/library/database.js';
import { MODEL } from '../library/library-inputs.js';
import {
  openForTest,
  SEGMENTS_OF_A_VIDEO,
  type SoundFolder,
  soundFolder,
  tamper,
  VIDEO_COUNT,
  verify,
} from './sound-folder.js';

const PAGE_BYTES = 16384;
const CELL_FLIPS = 6;

describe('an index of SQLite of which a bit is flipped', () => {
  it.each(['segments_by_video', 'segment_blocks_by_video', 'files_by_video'])(
    'is made anew from its table, and nothing else is repaired: %s',
    async (name) => {
      const folder = await soundFolder();
      const { start, cells } = pageOf(folder, name);
      const whole = readFileSync(folder.dataFolder.databaseFile);
      const statuses = new Set<string>();
      for (let flip = 0; flip < CELL_FLIPS; flip += 1) {
        const position = cells + Math.floor(((start + PAGE_BYTES - cells) * (flip + 0.5)) / CELL_FLIPS);
        const bytes = Buffer.from(whole);
        bytes[position] = (bytes[position] as number) ^ (1 << (flip % 8));
        writeFileSync(folder.dataFolder.databaseFile, bytes);
        expect((await verify(folder)).status).toBe('repairable');
        const report = await verify(folder, { repair: true });
        statuses.add(report.status);
        const library = await openForTest(folder, 'read');
        expect(await library.countSegments(MODEL.id)).toBe(VIDEO_COUNT * SEGMENTS_OF_A_VIDEO);
        expect(await library.pendingJobs()).toEqual([]);
        await library.close();
        tamper(folder, () => undefined);
      }
      expect([...statuses]).toEqual(['repaired']);
    },
  );
});

/** Where the root page of an index begins, and its cells: with so few rows it is the only one. */
function pageOf({ dataFolder }: SoundFolder, name: string): { start: number; cells: number } {
  const database = openDatabase(dataFolder.databaseFile, { readonly: false });
  database.pragma('wal_checkpoint(TRUNCATE)');
  const page = database
    .prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?')
    .pluck()
    .get(name) as number;
  database.close();
  const start = (page - 1) * PAGE_BYTES;
  const bytes = readFileSync(dataFolder.databaseFile);
  return { start, cells: start + bytes.readUInt16BE(start + 5) };
}

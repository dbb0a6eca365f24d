import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../index/errors.js';
import type { JobFile } from '../../index/library/types.js';
import { loadServerConfiguration } from '../../server/configuration.js';
import type { JobJson, JobWithFilesJson } from '../../server/schemas/jobs.js';
import { startServer } from '../../server/server.js';
import { type BadArchive, writeBadArchive } from '../fixtures/bad-archive.js';
import { DAMAGES } from '../fixtures/damages.js';
import { createWorkspace, SAMPLES_FOLDER } from '../helpers/workspace.js';
import { postJson, until } from '../server/tools/http.js';

/** A tenth of what `npm run bench -- bad-files` does. */
const FILES = 100;
const DAMAGED = 20;

interface Report {
  status: string;
  filesTotal: number;
  counts: Record<string, number>;
  failuresByCode: Record<string, number>;
  files: JobFile[];
}

const workspace = createWorkspace();
let archive: BadArchive;
let report: Report;
let exitCode: number | null;

beforeAll(async () => {
  archive = await writeBadArchive({
    folder: workspace.archive,
    count: FILES,
    damagedCount: DAMAGED,
    seed: 4,
  });
  const { code, stdout } = await workspace.cli(['index', workspace.archive, '--json']);
  exitCode = code;
  report = JSON.parse(stdout);
});

afterAll(() => workspace.remove());

const sum = (counts: Record<string, number>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

describe('an archive of which a fifth is damaged', () => {
  it('is indexed to its end: every good file is there, every damaged one is told of as its damage deserves', () => {
    const told = new Map(report.files.map((file) => [file.path, file.code ?? file.outcome]));
    expect(new Set(archive.damaged.map(({ damage }) => damage.kind)).size).toBe(DAMAGES.length);
    expect(DAMAGES.length).toBe(20);
    for (const { file, damage } of archive.damaged) {
      expect(told.get(file), damage.kind).toMatch(damage.expected);
      expect(told.get(file), damage.kind).not.toBe('INTERNAL');
    }
    expect(archive.good.filter((file) => told.get(file) !== 'indexed')).toEqual([]);
    expect(report).toMatchObject({ status: 'done', filesTotal: FILES });
    expect(exitCode).toBe(3);
  });

  it('has its failures grouped by code in the JSON report', () => {
    expect(sum(report.failuresByCode)).toBe(report.counts.failed);
    const counts = Object.values(report.failuresByCode);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    for (const [code, count] of Object.entries(report.failuresByCode)) {
      expect(Object.keys(ERRORS)).toContain(code);
      expect(report.files.filter((file) => file.code === code)).toHaveLength(count);
    }
    expect(Object.keys(report.failuresByCode).length).toBeGreaterThanOrEqual(6);
  });
});

describe('--retry-failed', () => {
  let failed: string[];

  beforeAll(async () => {
    failed = report.files.filter((file) => file.outcome === 'failed').map((file) => file.path);
    const [mended, removed] = failed as [string, string];
    await copyFile(path.join(SAMPLES_FOLDER, 'people-detection.mp4'), mended);
    await rm(removed);
    // Changed, but it had not failed: no concern of this run.
    await copyFile(path.join(SAMPLES_FOLDER, 'people-detection.mp4'), archive.good[0] as string);
  });

  it('tries those that failed and no other, groups what fails again, and forgets what is gone', async () => {
    const { code, stdout } = await workspace.cli(['index', '--retry-failed']);
    expect(code).toBe(3);
    const [mended, removed] = failed as [string, string];
    expect(stdout).toContain(`${failed.length} files: 1 indexed, ${failed.length - 2} failed, 1 missing`);
    expect(stdout).toContain(`  ${removed.replaceAll('\n', '\\n')}\n`);
    const groups = [...stdout.matchAll(/^ {2}([A-Z_]+): (\d+) files?$/gm)];
    expect(groups.reduce((total, [, , count]) => total + Number(count), 0)).toBe(failed.length - 2);
    expect(stdout).not.toContain(`${mended}\n`);
  });

  it('does the same over HTTP, where the job groups its failures by code', async () => {
    const cliptrace = await workspace.open();
    await cliptrace.jobs.start();
    const configuration = {
      ...loadServerConfiguration({}, { port: 0 }),
      archiveRoots: [workspace.archive],
    };
    const server = await startServer({ cliptrace, configuration, logger: pino({ level: 'silent' }) });
    try {
      const body = { type: 'index', path: workspace.archive, retryFailed: true };
      const { id } = (await (await postJson(`${server.url}/api/v1/jobs`, body)).json()) as JobJson;
      const job = await until('the job to end', async () => {
        const now = (await (await fetch(`${server.url}/api/v1/jobs/${id}`)).json()) as JobWithFilesJson;
        return now.endedAt !== null && now;
      });
      expect(job.progress.filesTotal).toBe(failed.length - 2);
      expect(job.failures.map((file) => file.path).sort()).toEqual(failed.slice(2).sort());
      expect(sum(job.failuresByCode)).toBe(failed.length - 2);
    } finally {
      await server.close();
      await cliptrace.close();
    }
  });

  it('does not go with --prune, and needs no path', async () => {
    const { code, stderr } = await workspace.cli(['index', '--retry-failed', '--prune']);
    expect(code).toBe(2);
    expect(stderr).toContain('--prune and --retry-failed');
  });
});

import { access, constants, statfs } from 'node:fs/promises';
import path from 'node:path';
import { executionProviders } from '../encoder/execution-providers.js';
import { manifestPathOf } from '../encoder/model-store.js';
import { openEncoder } from '../encoder/onnx-encoder.js';
import { describeVariant } from '../encoder/precision.js';
import { errorCodeOf, errorMessageOf } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import { checkDatabase, openDatabase, sqliteVersion } from '../library/database.js';
import { openLibrary } from '../library/sqlite-library.js';
import { NO_CONFINEMENT } from '../media/confinement.js';
import { resolveFfmpeg } from '../media/ffmpeg-program.js';
import type { Settings } from '../settings.js';
import { explainingWrites } from '../storage-errors.js';
import { openSegmentIndex } from '../vectors/index-follower.js';
import { type CommandContext, type CommonFlags, settingsOf } from './context.js';
import { describeConfinement } from './doctor-confinement.js';
import { EXIT_DONE, EXIT_FAILED } from './exit-codes.js';
import { printJson } from './output.js';

export interface Finding {
  check: string;
  status: 'ok' | 'warning' | 'wrong';
  detail: string;
  /** What to do about it; null when nothing is to be done. */
  remedy: string | null;
}

const MIN_NODE = [20, 19] as const;
const LOW_DISK_BYTES = 1024 ** 3;

/** `cliptrace doctor`: looks at everything, changes nothing. */
export async function doctorCommand(flags: CommonFlags, context: CommandContext): Promise<number> {
  const settings = settingsOf(context, flags);
  const findings = [
    checkNode(),
    ...(await checkFfmpeg(context.env)),
    checkProviders(),
    ...(await checkModelAndLibrary(settings)),
    ...(await checkDisk(settings)),
  ];
  const wrong = findings.some((finding) => finding.status === 'wrong');
  if (flags.json) printJson(context.terminal, { ok: !wrong, findings });
  else {
    for (const { check, status, detail, remedy } of findings) {
      context.terminal.out(`${status.padEnd(8)} ${check.padEnd(14)} ${detail}`);
      if (remedy) context.terminal.out(`${' '.repeat(24)}-> ${remedy}`);
    }
  }
  return wrong ? EXIT_FAILED : EXIT_DONE;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const newEnough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return {
    check: 'Node',
    status: newEnough ? 'ok' : 'wrong',
    detail: `${process.versions.node} on ${process.platform} ${process.arch}`,
    remedy: newEnough ? null : `Install Node ${MIN_NODE.join('.')} or newer`,
  };
}

async function checkFfmpeg(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  try {
    const ffmpeg = await resolveFfmpeg({ env });
    const found: Finding = {
      check: 'ffmpeg',
      status: ffmpeg.warning ? 'warning' : 'ok',
      detail: `${ffmpeg.version} from ${ffmpeg.source} (${ffmpeg.path})`,
      remedy: ffmpeg.warning,
    };
    return [found, describeConfinement(ffmpeg.confinement ?? NO_CONFINEMENT)];
  } catch (error) {
    return [wrong('ffmpeg', error, 'Install ffmpeg, or set FFMPEG_PATH to the program')];
  }
}

function checkProviders(): Finding {
  const providers = executionProviders();
  const hasCpu = providers.includes('cpu');
  return {
    check: 'ONNX Runtime',
    status: hasCpu ? 'ok' : 'wrong',
    detail: `providers: ${providers.join(', ')}`,
    remedy: hasCpu ? null : 'Install onnxruntime-node again: its CPU provider is missing',
  };
}

async function checkModelAndLibrary(settings: Settings): Promise<Finding[]> {
  let model: { id: string; dimension: number };
  const findings: Finding[] = [];
  try {
    // Opening verifies the SHA-256 and the check vectors.
    const encoder = await openEncoder({
      manifestPath: manifestPathOf(settings.modelFolder),
      precision: settings.precision,
      threads: settings.threads,
    });
    model = encoder.manifest;
    const count = encoder.manifest.checkVectors.length;
    findings.push({
      check: 'Model',
      status: 'ok',
      detail: `${model.id}, dimension ${model.dimension}, ${count} check vector${count === 1 ? '' : 's'} reproduced`,
      remedy: null,
    });
    for (const variant of encoder.manifest.variants ?? []) {
      findings.push({ check: 'Precision', status: 'ok', detail: describeVariant(variant), remedy: null });
    }
    await encoder.close();
  } catch (error) {
    return [wrong('Model', error, 'Install Cliptrace again, or set CLIPTRACE_MODEL to a model folder')];
  }
  return [...findings, ...(await checkLibrary(settings, model))];
}

async function checkLibrary(
  settings: Settings,
  model: { id: string; dimension: number },
): Promise<Finding[]> {
  try {
    const dataFolder = await openDataFolder(settings.dataRoot, { create: false });
    const findings = [checkSqlite(dataFolder.databaseFile)];
    const library = await openLibrary({ dataFolder, mode: 'read' });
    try {
      const { totalCount } = await library.listVideos({ limit: 1 });
      const stale = (await library.staleVideos(model.id)).length;
      findings.push({
        check: 'Library',
        status: stale > 0 ? 'wrong' : 'ok',
        detail: `${totalCount} videos in ${dataFolder.root}${stale > 0 ? `, ${stale} embedded by another model` : ''}`,
        remedy:
          stale > 0
            ? 'Run "cliptrace index" on the archive again (a server start or "cliptrace jobs run" embeds uploads): those videos are not found until then'
            : null,
      });
      findings.push(await checkIndex(library, model, dataFolder.vectorsFolder));
    } finally {
      await library.close();
    }
    return findings;
  } catch (error) {
    if (errorCodeOf(error) === 'LIBRARY_NOT_FOUND') {
      return [{ check: 'Library', status: 'ok', detail: `none yet in ${settings.dataRoot}`, remedy: null }];
    }
    return [wrong('Library', error, 'Restore the data folder from a copy, or index into a new one (--data)')];
  }
}

function checkSqlite(databaseFile: string): Finding {
  const database = openDatabase(databaseFile, { readonly: true });
  try {
    const problems = checkDatabase(database, true);
    return {
      check: 'SQLite',
      status: problems.length === 0 ? 'ok' : 'wrong',
      detail: `${sqliteVersion(database)}, integrity ${problems.length === 0 ? 'ok' : problems.slice(0, 3).join('; ')}`,
      remedy:
        problems.length === 0
          ? null
          : 'Restore the data folder from a copy, or index into a new one (--data)',
    };
  } finally {
    database.close();
  }
}

async function checkIndex(
  library: Awaited<ReturnType<typeof openLibrary>>,
  model: { id: string; dimension: number },
  folder: string,
): Promise<Finding> {
  const { index, opening } = await openSegmentIndex({ library, model, folder, writable: false });
  await index.close();
  const rebuilt = opening.how === 'rebuilt';
  return {
    check: 'Vector index',
    status: rebuilt ? 'wrong' : 'ok',
    detail: rebuilt ? `not usable: ${opening.reason}` : `${opening.segmentCount} segments`,
    remedy: rebuilt
      ? 'Run "cliptrace index" or "cliptrace serve": either rebuilds it from the library; nothing is lost'
      : null,
  };
}

/** Of the data folder; as long as there is none, of the nearest folder that there is. */
async function checkDisk({ dataRoot }: Settings): Promise<Finding[]> {
  for (let folder = dataRoot; ; folder = path.dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder);
      return [await checkWriting(folder), checkRoom(folder, bavail * bsize)];
    } catch (error) {
      if (folder === path.dirname(folder))
        return [wrong('Free disk', error, 'Check the data folder (--data)')];
    }
  }
}

async function checkWriting(folder: string): Promise<Finding> {
  const check = 'Data folder';
  try {
    await explainingWrites(folder, () => access(folder, constants.W_OK | constants.X_OK));
    return { check, status: 'ok', detail: `${folder} can be written to`, remedy: null };
  } catch (error) {
    return wrong(check, error, 'Check its mount and permissions, or give another data folder (--data)');
  }
}

function checkRoom(folder: string, free: number): Finding {
  const low = free < LOW_DISK_BYTES;
  return {
    check: 'Free disk',
    status: low ? 'wrong' : 'ok',
    detail: `${(free / 1024 ** 3).toFixed(1)} GiB at ${folder}`,
    remedy: low ? 'Free some space: an index needs room for a second copy of itself' : null,
  };
}

function wrong(check: string, error: unknown, remedy: string): Finding {
  return { check, status: 'wrong', detail: `${errorCodeOf(error)}: ${errorMessageOf(error)}`, remedy };
}

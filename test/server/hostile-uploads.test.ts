import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VIDEO_EXTENSIONS } from '../../index/media/container-check.js';
import type { JobJson, JobWithFilesJson } from '../../server/schemas/jobs.js';
import type { SearchAnswerJson } from '../../server/schemas/search.js';
import { aviWithEmbedded, gifOfSize, mp4WithDataReference, PLAYLISTS } from '../fixtures/hostile-videos.js';
import { ffmpeg, makeVideo, temporaryFolder } from '../fixtures/videos.js';
import { expectProblem, until } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';
import { multipart, postMultipart, textPart } from './tools/raw-http.js';

const folder = temporaryFolder();
let live: LiveServer;
/** Must never be called. */
let listener: Server;
let calls = 0;
/** A video of the server's own disk that would be found if it were opened. */
let secret: string;
let targets: string[];

beforeAll(async () => {
  live = await startLiveServer({ videos: ['people-detection'], configuration: { maxConcurrentDecodes: 4 } });
  listener = createServer((socket) => {
    calls += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = listener.address() as { port: number };
  secret = join(folder.path, 'secret.ts');
  await ffmpeg(
    '-i',
    samplePath('people-detection'),
    '-t',
    '4',
    '-an',
    '-c:v',
    'mpeg2video',
    '-q:v',
    '2',
    secret,
  );
  await copyFile(secret, join(folder.path, '1.ts'));
  targets = [secret, `file://${secret}`, `http://127.0.0.1:${port}/secret.ts`, `tcp://127.0.0.1:${port}`];
});

afterAll(async () => {
  listener.close();
  await live.close();
});

afterEach(async () => {
  expect(calls).toBe(0);
  await until('the temporary folder to be empty', async () => (await live.temporaryFiles()).length === 0);
  expect((await fetch(`${live.url}/healthz`)).status).toBe(200);
});

function send(
  bytes: Buffer | string,
  fileName: string,
  path: '/search' | '/videos' = '/search',
): Promise<Response> {
  const form = new FormData();
  const content = typeof bytes === 'string' ? bytes : new Uint8Array(bytes);
  form.append(path === '/search' ? 'clip' : 'video', new Blob([content]), fileName);
  return fetch(live.api + path, { method: 'POST', body: form });
}

async function sendFile(path: string): Promise<Response> {
  return send(await readFile(path), 'clip.mp4');
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

/** Hits, or a refusal with a code: what it must not be is decided by the listener and the secret. */
async function expectHitsOfItsOwn(response: Response): Promise<void> {
  expect(response.status).toBe(200);
  const { verdict } = (await response.json()) as SearchAnswerJson;
  // The secret shows what is in the library: found at once, had it been opened.
  expect(verdict).not.toBe('same-footage');
}

describe('a list of other files', () => {
  it('would be found if it were opened', async () => {
    const response = await sendFile(secret);
    const { hits, verdict } = (await response.json()) as SearchAnswerJson;
    expect([verdict, hits[0]?.video.title]).toEqual(['same-footage', 'people-detection']);
  });

  it.each(PLAYLISTS.map(({ kind }) => [kind]))('%s is refused under every video extension', async (kind) => {
    const { content } = PLAYLISTS.find((playlist) => playlist.kind === kind) as (typeof PLAYLISTS)[number];
    const extensions = [...VIDEO_EXTENSIONS, '.m3u8', '.ffconcat', '.mpd', '.sdp'];
    for (const target of [targets[0], targets[2]] as string[]) {
      const codes = await Promise.all(
        extensions.map(async (extension) => codeOf(await send(content(target), `clip${extension}`))),
      );
      for (const code of codes)
        expect(code).toMatch(/^(CONTAINER_NOT_ALLOWED|NOT_A_VIDEO|TOO_MANY_REQUESTS)$/);
    }
  });

  it('named as an image sequence pattern is one name', async () => {
    const picture = await ffmpeg(
      '-i',
      secret,
      '-frames:v',
      '1',
      '-c:v',
      'mjpeg',
      '-f',
      'image2pipe',
      'pipe:1',
    );
    for (const name of ['%d.ts', '%03d.jpg', 'clip-%d.png', `${folder.path}/%d.ts`]) {
      await expectProblem(await send(picture, name), 'NOT_A_VIDEO');
    }
  });

  it('is refused when it is added to the library, too', async () => {
    for (const { content } of PLAYLISTS) {
      const response = await send(content(targets[2] as string), 'video.mp4', '/videos');
      expect(response.status).toBe(202);
      const job = await live.cliptrace.jobs.wait(((await response.json()) as JobJson).id);
      expect(job.error?.code).toMatch(/^(CONTAINER_NOT_ALLOWED|NOT_A_VIDEO)$/);
    }
  });

  it('behind the first bytes of a container is not followed', async () => {
    const heads = [
      Buffer.from('RIFF\xff\xff\0\0AVI ', 'latin1'),
      Buffer.from([0, 0, 0, 16, ...Buffer.from('ftypisom'), 0, 0, 2, 0]),
      Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0x80]),
      Buffer.from('FLV\x01\x05\0\0\0\x09', 'latin1'),
      Buffer.concat(Array.from({ length: 8 }, () => Buffer.from('G'.padEnd(188, '\n')))),
    ];
    for (const head of heads) {
      for (const { content } of PLAYLISTS.slice(0, 3)) {
        for (const target of targets) {
          const response = await send(Buffer.concat([head, Buffer.from(`\n${content(target)}`)]), 'clip.mp4');
          expect(response.status).toBe(422);
        }
      }
    }
  });
});

describe('inside a real container', () => {
  it('a subtitle stream of an AVI that is a playlist is not opened', async () => {
    for (const target of [targets[0], targets[2]] as string[]) {
      for (const { content } of PLAYLISTS)
        await expectHitsOfItsOwn(await send(await aviWithEmbedded(content(target)), 'a.avi'));
    }
  });

  it('a data reference of an MP4 that names another file is not followed', async () => {
    for (const target of targets) {
      const response = await send(await mp4WithDataReference(folder.path, target), 'a.mp4');
      if (response.status === 200) await expectHitsOfItsOwn(response);
      else expect(response.status).toBe(422);
    }
  });

  it('attachments and subtitles are left alone', async () => {
    const path = await makeVideo(join(folder.path, 'plain.mkv'), { durationSeconds: 2 });
    const list = join(folder.path, 'list.m3u8');
    await writeFile(list, (PLAYLISTS[0] as (typeof PLAYLISTS)[number]).content(targets[2] as string));
    const subtitles = join(folder.path, 'subtitles.srt');
    await writeFile(subtitles, `1\n00:00:00,000 --> 00:00:02,000\n<img src="${targets[2]}">{\\an8}\n`);
    const packed = join(folder.path, 'packed.mkv');
    await ffmpeg(
      ...['-i', path, '-i', subtitles, '-map', '0', '-map', '1', '-c', 'copy', '-c:s', 'srt'],
      ...['-attach', list, '-metadata:s:t', 'mimetype=application/x-mpegURL', packed],
    );
    await expectHitsOfItsOwn(await sendFile(packed));
  });
});

describe('a bomb', () => {
  it('of pixels is refused before it is decoded', async () => {
    const large = join(folder.path, 'large.avi');
    const picture = ['-f', 'lavfi', '-i', 'color=s=8192x8192:r=1:d=1'];
    await ffmpeg(...picture, '-frames:v', '1', '-c:v', 'mjpeg', large);
    await expectProblem(await sendFile(large), 'RESOLUTION_TOO_LARGE');
    const giant = await send(gifOfSize(65_535, 65_535), 'giant.gif');
    await expectProblem(giant, 'RESOLUTION_TOO_LARGE');
  });

  it('of 10,000 frames a second costs what its seconds cost', async () => {
    const args = ['-c:v', 'mjpeg'];
    const options = { size: '32x32', framesPerSecond: 10_000, durationSeconds: 1, args };
    const path = await makeVideo(join(folder.path, 'fast.mkv'), options);
    expect((await sendFile(path)).status).toBe(200);
  });

  it('of 1,000 streams is answered', async () => {
    const one = await makeVideo(join(folder.path, 'one.mp4'), { size: '16x16', durationSeconds: 0.2 });
    const path = join(folder.path, 'streams.mp4');
    const maps = Array.from({ length: 1000 }, () => ['-map', '0:v']).flat();
    await ffmpeg('-i', one, ...maps, '-c', 'copy', path);
    expect((await sendFile(path)).status).toBe(200);
  });

  it('of a year, in its header or between two frames, is too long', async () => {
    const path = await makeVideo(join(folder.path, 'year.mkv'), { durationSeconds: 1 });
    const bytes = await readFile(path);
    // Duration: its element, 8 bytes long, in milliseconds.
    const at = bytes.indexOf(Buffer.from([0x44, 0x89, 0x88]));
    bytes.writeDoubleBE(365 * 86_400_000, at + 3);
    await expectProblem(await send(bytes, 'year.mkv'), 'VIDEO_TOO_LONG');
    const gap = join(folder.path, 'gap.mkv');
    await ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=1:d=2', '-vf', 'setpts=N*86400*30/TB', '-vsync', '0'],
      ...['-c:v', 'mjpeg', gap],
    );
    await expectProblem(await sendFile(gap), 'VIDEO_TOO_LONG');
    // Sixteen pictures, each shown for twenty minutes: more than so few bytes may last, however they are kept.
    const slow = await aviWithEmbedded('');
    slow.writeUInt32LE(8 * 1200, slow.indexOf('vidsMJPG') + 20);
    await expectProblem(await send(slow, 'slow.avi'), 'VIDEO_TOO_LONG');
    const kept = (await (await send(slow, 'slow.avi', '/videos')).json()) as JobJson;
    expect((await live.cliptrace.jobs.wait(kept.id)).error?.code).toBe('VIDEO_TOO_LONG');
  });

  it('that never ends by itself is read once', async () => {
    const path = join(folder.path, 'loop.gif');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10:d=2', '-loop', '0', path);
    expect((await sendFile(path)).status).toBe(200);
  });
});

it('a form of 10,000 fields is refused', async () => {
  const fields = Array.from({ length: 10_000 }, (_, index) => textPart(`f${index}`, 'x'));
  await expectProblem(await postMultipart(`${live.api}/search`, multipart(fields)), 'UPLOAD_INVALID');
});

it('what was kept of hostile uploads is nothing', async () => {
  const { jobs } = (await (await fetch(`${live.api}/jobs?limit=200`)).json()) as { jobs: JobJson[] };
  for (const { id, type } of jobs) {
    if (type !== 'upload') continue;
    const job = (await (await fetch(`${live.api}/jobs/${id}`)).json()) as JobWithFilesJson;
    expect(job.videoId).toBeNull();
  }
  await expect(readdir(live.cliptrace.dataFolder.mediaFolder)).resolves.toEqual([]);
});

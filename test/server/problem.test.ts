import { describe, expect, it } from 'vitest';
import { CliptraceError, ERRORS, type ErrorCode } from '../../index/errors.js';
import type { DataFolder } from '../../index/types.js';
import { contentDispositionOf, mediaTypeOf } from '../../server/http/media-type.js';
import { problemOf } from '../../server/http/problem.js';
import { redactDataFolder, redactUpload } from '../../server/http/redact.js';

const ID = '00000000-0000-4000-8000-000000000000';
const asItIs = (message: string) => message;

describe('problemOf', () => {
  it('tells nothing of an error that is not ours', () => {
    const problem = problemOf(new TypeError("Cannot read '/srv/secret/library.db'"), ID, asItIs);
    expect(problem).toMatchObject({ code: 'INTERNAL', status: 500, title: ERRORS.INTERNAL.title });
    expect(JSON.stringify(problem)).not.toMatch(/secret|Cannot read|at /);
    for (const thrown of [null, undefined, 'text', { status: 200 }]) {
      expect(problemOf(thrown, ID, asItIs).code).toBe('INTERNAL');
    }
  });

  it('keeps the particulars of every fault of the server to the log', () => {
    const faults = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].status >= 500);
    expect(faults.length).toBeGreaterThan(10);
    for (const code of faults) {
      const problem = problemOf(new CliptraceError(code, '/srv/secret is broken'), ID, asItIs);
      expect(problem.detail).not.toContain('secret');
      expect(problem).toMatchObject({ code, status: ERRORS[code].status, instance: `urn:uuid:${ID}` });
    }
  });

  it('gives the message of what a client can mend, redacted', () => {
    const problem = problemOf(new CliptraceError('NO_FRAMES', 'x in /srv'), ID, (message) =>
      message.toUpperCase(),
    );
    expect(problem).toEqual({
      type: '/problems/NO_FRAMES',
      title: ERRORS.NO_FRAMES.title,
      status: 422,
      code: 'NO_FRAMES',
      detail: 'X IN /SRV',
      instance: `urn:uuid:${ID}`,
    });
  });
});

describe('redaction', () => {
  const folder: DataFolder = {
    root: '/srv/data+1',
    databaseFile: '/srv/data+1/library.db',
    lockFile: '/srv/data+1/lock',
    vectorsFolder: '/srv/data+1/vectors',
    mediaFolder: '/srv/data+1/media',
    thumbnailsFolder: '/srv/data+1/thumbnails',
    temporaryFolder: '/srv/data+1/temporary',
  };

  it('calls an upload by the name of its sender', () => {
    const path = '/srv/data+1/temporary/upload-x/1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed';
    const redact = redactUpload({ path, sizeBytes: 1, clientName: 'my clip.mp4' });
    expect(redact(`"${path}": file:${path} and 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed`)).toBe(
      '"my clip.mp4": file:my clip.mp4 and my clip.mp4',
    );
    expect(redactUpload({ path, sizeBytes: 1, clientName: null })(path)).toBe('the upload');
  });

  it('names no place of the data folder', () => {
    const redact = redactDataFolder(folder);
    expect(redact('open /srv/data+1/media/a-b.c: no such file')).toBe('open the data folder: no such file');
    expect(redact("'/srv/data+1'")).toBe("'the data folder'");
    expect(redact('/srv/data and /srv/dataa1/x')).toBe('/srv/data and /srv/dataa1/x');
  });
});

describe('the content type of a video', () => {
  it.each([
    ['mov,mp4,m4a,3gp,3g2,mj2', 'h264', 'video/mp4'],
    ['matroska,webm', 'vp9', 'video/webm'],
    ['matroska,webm', 'h264', 'video/x-matroska'],
    ['avi', 'mpeg4', 'video/x-msvideo'],
    ['gif', 'gif', 'image/gif'],
    ['something new', 'x', 'application/octet-stream'],
  ])('in %s with %s is %s', (container, codec, type) => {
    expect(mediaTypeOf({ container, codec })).toBe(type);
  });

  it('gives a name to save it by, which breaks no header', () => {
    const video = { title: 'a "b"\r\nc é/\\(1)*\uD800', container: 'matroska,webm', codec: 'h264' };
    const header = contentDispositionOf(video);
    expect(header).toMatch(/^inline; filename\*=UTF-8''[\w%.~!-]+\.mkv$/);
    expect(decodeURIComponent(header.split("''")[1] as string)).toBe('a "b"\r\nc é/\\(1)*\uFFFD.mkv');
  });
});

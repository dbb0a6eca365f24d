import { FfmpegChild } from '../../index/media/child-process.js';

// Started by a test that kills it: runs a program that never writes, and says what its process is.
const [path = ''] = process.argv.slice(2);
const run = { ffmpeg: { path }, filePath: path, timeoutMs: null, stallTimeoutMs: 600_000 };
const ended = new FfmpegChild({ ...run, args: ['0'] });
await ended.wait();
await ended.stop();
const hanging = new FfmpegChild({ ...run, args: ['600'] });
console.log(hanging.pid);
setInterval(() => undefined, 60_000);

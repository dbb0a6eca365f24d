import { decodeClips } from '../../index/media/decode.js';
import { resolveFfmpeg } from '../../index/media/ffmpeg-program.js';
import { defaultMediaLimits } from '../../index/media/limits.js';

// Started by a test that kills it: reads one clip, says so, and never reads on.
const clips = decodeClips({
  ffmpeg: await resolveFfmpeg({ env: process.env }),
  filePath: process.argv[2] as string,
  preprocessing: {
    framesPerSecond: 8,
    frames: 16,
    width: 64,
    height: 64,
    crop: { mode: 'stretch' },
    scaleFilter: 'area',
    mean: [0, 0, 0],
    std: [1, 1, 1],
  },
  hopSeconds: 1,
  limits: defaultMediaLimits,
});
await clips.next();
console.log('first clip');
setInterval(() => undefined, 60_000);

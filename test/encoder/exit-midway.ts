import { latticeClip } from '../../index/encoder/check-input.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';

// Started by a test that looks at its exit code: the process ends in the middle of an inference.
const encoder = await openEncoder({
  manifestPath: manifestPathOf(defaultModelFolder()),
  threads: 1,
  verify: false,
});
const clip = latticeClip(encoder.manifest.preprocessing, 1);
const pixels = new Uint8Array(clip.length * 16);
encoder.encode(pixels, 16).catch(() => undefined);
setTimeout(() => process.exit(5), 40);

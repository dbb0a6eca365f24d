import { latticeClip } from '../../index/encoder/check-input.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';

// Started by a test that waits for it to end by itself.
const encoder = await openEncoder({ manifestPath: manifestPathOf(defaultModelFolder()), threads: 2 });
const { embeddings } = await encoder.encode(latticeClip(encoder.manifest.preprocessing, 3), 1);
console.log(Math.hypot(...embeddings).toFixed(0));

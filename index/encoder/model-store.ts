import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliptraceError } from '../errors.js';

const DEFAULT_MODEL = 'tclr-compact';

/**
 * The folder of the model that ships with Cliptrace. The models lie in `index/models` of the package, beside
 * the sources (run by tsx) and two folders above the built files (dist/index/encoder). MODEL_NOT_FOUND.
 */
export function defaultModelFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'index', 'models', DEFAULT_MODEL);
    if (existsSync(join(candidate, 'manifest.json'))) return candidate;
    const parent = dirname(folder);
    if (parent === folder || existsSync(join(folder, 'package.json'))) break;
    folder = parent;
  }
  throw new CliptraceError(
    'MODEL_NOT_FOUND',
    `The model "${DEFAULT_MODEL}" is not in the package (expected below ${join(folder, 'index', 'models')}). ` +
      'Install Cliptrace again, or set CLIPTRACE_MODEL to the folder of a model.',
  );
}

/** The manifest of a model, given its folder or the manifest itself. */
export function manifestPathOf(modelPath: string): string {
  return modelPath.endsWith('.json') ? modelPath : join(modelPath, 'manifest.json');
}

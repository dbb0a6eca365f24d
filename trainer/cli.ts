/**
 * `npm run train -- COMMAND ...`: the Python trainer, in an environment of its own that is made when needed.
 * `--test [pytest arguments]` runs the trainer's tests instead.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError, ensureEnvironment } from './environment.js';
import { runPython } from './run-python.js';

const trainerFolder = dirname(fileURLToPath(import.meta.url));
const root = dirname(trainerFolder);

async function main(args: readonly string[]): Promise<number> {
  const testing = args[0] === '--test';
  try {
    const python = await ensureEnvironment({
      trainerFolder,
      environment: process.env,
      say: (line) => console.error(line),
    });
    const tests = ['-m', 'pytest', '--quiet', join(root, 'test', 'trainer'), ...args.slice(1)];
    const command = ['-m', 'cliptrace_trainer', ...(args.length > 0 ? args : ['--help'])];
    return await runPython(python, testing ? tests : command, process.cwd());
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.error(error.message);
    if (testing && error.code === 'PYTHON_MISSING' && !process.env.CI) {
      console.error("SKIPPED: the trainer's tests need Python; everything else of the product does not.");
      return 0;
    }
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));

// Preloaded (`node --import`) into a command: sends SIGNAL to the process itself right before its AT_STEP-th call that opens,
// moves or removes a file.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { AT_STEP, SIGNAL } = process.env;
let step = 0;

for (const [from, names] of [
  [fs, ['renameSync', 'rmSync', 'rmdirSync', 'copyFileSync']],
  [fs.promises, ['rename', 'rm', 'open']],
]) {
  for (const name of names) {
    const real = from[name];
    from[name] = (...args) => {
      step += 1;
      if (step === Number(AT_STEP)) process.kill(process.pid, SIGNAL);
      return real(...args);
    };
  }
}
syncBuiltinESMExports();

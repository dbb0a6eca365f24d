import { main } from '../../index/cli/program.js';

export interface Said {
  code: number;
  out: string;
  err: string;
}

/** The command line without a process of its own. */
export async function runMain(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Said> {
  const said = { out: '', err: '' };
  const terminal = {
    out: (text: string) => {
      said.out += `${text}\n`;
    },
    err: (text: string) => {
      said.err += `${text}\n`;
    },
    interactive: false,
  };
  return { code: await main(args, { env, terminal }), ...said };
}

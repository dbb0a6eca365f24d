/** `--config FILE`, else CLIPTRACE_CONFIG; null without either. */
export function configurationPath(argv: readonly string[], env: NodeJS.ProcessEnv): string | null {
  const at = argv.findIndex((argument) => argument === '--config' || argument.startsWith('--config='));
  const flag = at < 0 ? undefined : argv[at]?.split('=').slice(1).join('=') || argv[at + 1];
  return flag || env.CLIPTRACE_CONFIG || null;
}

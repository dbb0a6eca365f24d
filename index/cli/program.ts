import { Command, CommanderError } from 'commander';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import { JOB_ACTIONS, KEY_ACTIONS, VERIFY_EXIT_CODES, WATCH_ACTIONS } from './command-words.js';
import { configurationPath } from './configuration-path.js';
import type { CommandContext } from './context.js';
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE } from './exit-codes.js';
import { printJson } from './output.js';
import { packageVersion } from './package-version.js';

const EXIT_CODES = 'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with some files failed.';

/** The command tree. Each action's number is the exit code; its module is loaded when it is asked for, because that takes time. */
export function createProgram(context: CommandContext, exit: (code: number) => void): Command {
  const program = new Command('cliptrace')
    .description('Finds where a clip comes from, and what looks and moves like it.')
    .version(packageVersion())
    .showHelpAfterError('(--help shows the usage)')
    .addHelpText('after', `\n${EXIT_CODES}\nThe data folder: --data, else CLIPTRACE_DATA, else ./data.`);

  const command = (usage: string, description: string, example: string) =>
    program
      .command(usage)
      .description(description)
      .option('--data <dir>', 'data folder (default: CLIPTRACE_DATA or ./data)')
      .option('--config <file>', 'JSON file of settings (default: CLIPTRACE_CONFIG or none)')
      .addHelpText('after', `\nExample:\n  $ ${example}\n\n${EXIT_CODES}`);
  const auth = [
    '--auth <mode>',
    'ask for API keys: auto (unless on loopback), required, off (default: auto)',
  ] as const;
  const json = ['--json', 'print one JSON document'] as const;
  const threads = [
    '--threads <number>',
    'processors for the encoder (default: CLIPTRACE_THREADS or all)',
  ] as const;
  const precision = [
    '--precision <name>',
    'of the encoder: float32, or a variant that "doctor" names, e.g. int8 (default: CLIPTRACE_PRECISION or float32)',
  ] as const;
  const decodes = [
    '--decodes <number>',
    'ffmpeg processes side by side (default: CLIPTRACE_DECODES or one a processor, at most 16)',
  ] as const;

  command(
    'index [paths...]',
    'Index videos: files and folders, recursively',
    'cliptrace index ~/Videos --label-from folder',
  )
    .option('--collection <name>', 'the collection to index into', 'default')
    .option('--label-from <source>', '"folder": the name of the folder becomes the label')
    .option('--meta <key=value...>', 'what is to be known of every video, for filters')
    .option('--prune', 'remove videos whose files are gone (with --watch: the default)')
    .option('--no-prune', 'with --watch: keep videos whose files are deleted')
    .option('--watch', 'follow the folders until Ctrl-C: new, changed, moved and deleted files')
    .option(
      '--settle <seconds>',
      'with --watch: index a file when it has not changed for so long (default: 5)',
    )
    .option('--rescan <seconds>', 'with --watch: look through everything so often (default: 300)')
    .option('--file-timeout <seconds>', 'kill ffmpeg when it takes longer for one file (default: no limit)')
    .option('--stall-timeout <seconds>', 'kill ffmpeg when it gives nothing for so long (default: 60)')
    .option(...threads)
    .option(...precision)
    .option(...decodes)
    .option('--retry-failed', 'only files that failed when they were last tried; without paths, all of them')
    .option(
      '--calibrate',
      'look for boilerplate and fit the scores at once, when the collection has grown for it',
    )
    .option('--no-calibrate', 'leave that to a server or to `jobs run` (the default)')
    .option(...json)
    .action(async (paths, flags) =>
      exit(await (await import('./index-command.js')).indexCommand(paths, flags, context)),
    );

  command('search <clip>', 'Find where a clip comes from', 'cliptrace search clip.mp4 -k 5')
    .option('-k <number>', 'hits at most, 1-200 (default: 10)')
    .option('--collection <name>', 'only this collection')
    .option('--label <label>', 'only videos with this label')
    .option('--start <seconds>', 'where the query starts in the clip')
    .option('--end <seconds>', 'where the query ends in the clip')
    .option('--per-video <number>', 'hits that one video may have (default: 1)')
    .option('--meta <key=value...>', 'only videos of which this was told: KEY=VALUE, KEY=A,B or KEY=FROM..TO')
    .option('--collapse', 'of hits that show the same footage only the best')
    .option('--min-score <score>', 'leave out hits with a lower score, 0-1 (default: 0)')
    .option('--explain', 'with --json: add what the alignment saw')
    .option(...threads)
    .option(...precision)
    .option(...json)
    .action(async (clip, flags) =>
      exit(await (await import('./search-command.js')).searchCommand(clip, flags, context)),
    );

  command(
    'whiten',
    'Fit how timestep features are compared on the videos of this library, and make that part of the model (CLIPTRACE_MODEL)',
    'CLIPTRACE_MODEL=models/mine cliptrace whiten',
  )
    .option(...json)
    .action(async (flags) => exit(await (await import('./whiten-command.js')).whitenCommand(flags, context)));

  command(
    'calibrate',
    'Fit the scores of a collection anew, on edits of its own videos',
    'cliptrace calibrate --collection default',
  )
    .option('--collection <name>', 'the collection', 'default')
    .option('--max-queries <number>', 'edited queries, 10-10000 (default: 80)')
    .option('--seed <number>', 'of what is drawn (default: 1)')
    .option(...json)
    .action(async (flags) =>
      exit(await (await import('./calibrate-command.js')).calibrateCommand(flags, context)),
    );

  command(
    'boilerplate',
    'List what stands in many videos (black, stills, idents) and counts for less in a search',
    'cliptrace boilerplate --collection default',
  )
    .option('--collection <name>', 'only this collection')
    .option('--limit <number>', 'groups of each collection, 1-1000 (default: 50)')
    .option('--refresh', 'look through the collections first')
    .option(...json)
    .action(async (flags) =>
      exit(await (await import('./boilerplate-command.js')).boilerplateCommand(flags, context)),
    );

  command('evaluate', 'Measure recall on the library', 'cliptrace evaluate --queries split.csv -k 1,5,10,20')
    .option('--protocol <name>', 'labels, edits, pairs or ann (default: labels; pairs with --pairs)')
    .option('--collection <name>', 'only this collection')
    .option('-k <list>', 'recall at these k (default: 1,5,10,20)')
    .option('--ranking <name>', 'embedding or search (default: embedding)')
    .option('--queries <csv>', 'lines "video,split": test or query, train or gallery (default: all ask all)')
    .option(
      '--pairs <csv>',
      'lines "query,target" or "query,target,start,end": the search should find the target',
    )
    .option('--parts <number>', 'edits: parts of videos to cut (default: 40)')
    .option('--edits <list>', 'edits: those to make (default: all but subtitles and missing-middle)')
    .option('--pairs-per-part <number>', 'edits: pairs of edits besides (default: 4)')
    .option('--html <file>', 'also write the report as one HTML file, with charts')
    .option('--against <id|json>', 'compare with an earlier evaluation: its id, or what --json printed')
    .option('--against-data <dir>', 'compare with the same evaluation of another data folder, made now')
    .option(
      '--against-model <dir>',
      'compare with the same evaluation by another model (with --against-data)',
    )
    .option('--query-count <number>', 'ann: queries to ask (default: 200)')
    .option('--ef <list>', 'ann: candidates to try (default: 16,32,64,128,256,512)')
    .option('--target-recall <share>', 'ann: what the chosen ef is to reach (default: 0.99)')
    .option('--max-queries <number>', 'draw so many queries at most')
    .option('--seed <number>', 'of what is drawn and of the intervals (default: 1)')
    .option('--resamples <number>', 'of the bootstrap, 100-100000 (default: 1000)')
    .option(...json)
    .action(async (flags) =>
      exit(await (await import('./evaluate-command.js')).evaluateCommand(flags, context)),
    );

  command('serve', 'Start the HTTP server and its page', 'cliptrace serve --port 8080')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on, 0 = any free one (default: 8080)')
    .option(...auth)
    .option(
      '--webhook-allow <list>',
      'hosts, addresses and networks that webhooks may reach though they are not public (default: none)',
    )
    .option(...threads)
    .option(...precision)
    .option(...decodes)
    .action(async (flags) => exit(await (await import('./serve-command.js')).serveCommand(flags, context)));

  command('videos', 'List the videos of the library', 'cliptrace videos --collection default --limit 20')
    .option('--collection <name>', 'only this collection')
    .option('--label <label>', 'only videos with this label')
    .option('--query <text>', 'only titles and file names with this text')
    .option('--limit <number>', 'videos of a page, 1-1000 (default: 100)')
    .option('--cursor <cursor>', 'the next page')
    .option(...json)
    .action(async (flags) =>
      exit(await (await import('./library-commands.js')).videosCommand(flags, context)),
    );

  command('show <id>', 'Show one video', 'cliptrace show 12')
    .option(...json)
    .action(async (id, flags) =>
      exit(await (await import('./library-commands.js')).showCommand(id, flags, context)),
    );

  command(
    'remove <ids...>',
    'Remove videos from the library; files of the archive stay',
    'cliptrace remove 12 13',
  )
    .option(...json)
    .action(async (ids, flags) =>
      exit(await (await import('./library-commands.js')).removeCommand(ids, flags, context)),
    );

  command(
    'jobs [action] [id]',
    'List, show, follow, pause, resume, cancel or run jobs, also those of another process',
    'cliptrace jobs pause 7',
  )
    .option('--limit <number>', 'jobs to list, 1-1000 (default: 50)')
    .option(...json)
    .addHelpText(
      'after',
      `\nActions: ${JOB_ACTIONS.join(', ')} (default: list). run: all that is queued, or that job.`,
    )
    .action(async (action, id, flags) =>
      exit(await (await import('./jobs-command.js')).jobsCommand(action, id, flags, context)),
    );

  command(
    'keys [action] [id]',
    'Create, list or revoke API keys, also while a server runs',
    'cliptrace keys create --name laptop --scopes search,ingest',
  )
    .option('--name <name>', 'create: what the key is for')
    .option('--scopes <list>', 'create: search, ingest, admin; comma-separated (default: search)')
    .option('--collections <list>', 'create: good for these collections only, comma-separated (default: all)')
    .option(...json)
    .addHelpText('after', `\nActions: ${KEY_ACTIONS.join(', ')} (default: list).`)
    .action(async (action, id, flags) =>
      exit(await (await import('./keys-command.js')).keysCommand(action, id, flags, context)),
    );

  command(
    'watches [action] [id]',
    'List, pause, resume or remove clips that are watched for, and list what their webhooks were told',
    'cliptrace watches deliveries 3',
  )
    .option('--limit <number>', 'of a page, 1-1000 (default: 100)')
    .option('--cursor <cursor>', 'the next page')
    .option(...json)
    .addHelpText('after', `\nActions: ${WATCH_ACTIONS.join(', ')} (default: list). POST /watches makes one.`)
    .action(async (action, id, flags) =>
      exit(await (await import('./watches-command.js')).watchesCommand(action, id, flags, context)),
    );

  command('doctor', 'Check programs, model, library, index and disk', 'cliptrace doctor')
    .option(...precision)
    .option(...json)
    .action(async (flags) => exit(await (await import('./doctor-command.js')).doctorCommand(flags, context)));

  command('verify', 'Check everything in the data folder', 'cliptrace verify --repair')
    .option('--repair', 'put right what can be made again; no other process may hold the data folder')
    .option('--deep', 'also read every file and compare its content')
    .option(...precision)
    .option(...json)
    .addHelpText('after', `\n${VERIFY_EXIT_CODES}`)
    .action(async (flags) => exit(await (await import('./verify-command.js')).verifyCommand(flags, context)));

  command(
    'relocate <old> <new>',
    'Note that files of the archive lie in another folder now, without reading them',
    'cliptrace relocate /mnt/old/videos /mnt/new/videos',
  )
    .option('--dry-run', 'only tell what would be noted')
    .option(...json)
    .action(async (from, to, flags) =>
      exit(await (await import('./relocate-command.js')).relocateCommand(from, to, flags, context)),
    );

  command(
    'backup <file>',
    'Copy the data folder into one file, also while a server runs',
    'cliptrace backup /backups/cliptrace.tar',
  )
    .option(...json)
    .action(async (file, flags) =>
      exit(await (await import('./backup-commands.js')).backupCommand(file, flags, context)),
    );

  command('restore <file>', 'Make a data folder from a backup', 'cliptrace restore /backups/cliptrace.tar')
    .option('--replace', 'lose the library that the data folder holds')
    .option('--check', 'only read the backup to its end')
    .option(...json)
    .action(async (file, flags) =>
      exit(await (await import('./backup-commands.js')).restoreCommand(file, flags, context)),
    );

  command('migrate', 'Bring the library of the data folder up to date', 'cliptrace migrate')
    .option(...json)
    .action(async (flags) =>
      exit(await (await import('./library-commands.js')).migrateCommand(flags, context)),
    );

  command(
    'demo',
    'Index a library, search it with an edited part of it, serve it',
    'cliptrace demo --library ~/Videos',
  )
    .option('--library <dir>', 'videos to use (default: the sample library)')
    .option('--no-serve', 'end after the search; exit code 0 only if the right video came first')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on (default: 8080)')
    .option(...auth)
    .action(async (flags) => exit(await (await import('./demo-command.js')).demoCommand(flags, context)));

  return program;
}

/** Runs the command line; resolves to the exit code. */
export async function main(argv: readonly string[], asked: CommandContext): Promise<number> {
  try {
    // `serve` refuses them.
    if (argv[0] !== 'serve') await warnOfUnknownVariables(asked);
    const path = configurationPath(argv, asked.env);
    if (path === null) return await run(argv, asked);
    const { namingKeys, readConfigurationFile, withFile } = await import('./configuration-file.js');
    const file = await readConfigurationFile(path);
    const terminal = {
      ...asked.terminal,
      // Problems of a value name the key that it came from.
      err: (text: string) => asked.terminal.err(namingKeys(text, file, asked.env)),
    };
    return await run(argv, { ...asked, terminal, env: withFile(asked.env, file) });
  } catch (error) {
    return tellError(error, argv, asked);
  }
}

async function warnOfUnknownVariables({ env, terminal }: CommandContext): Promise<void> {
  const { unknownVariables } = await import('./known-variables.js');
  for (const name of await unknownVariables(env)) {
    terminal.err(
      `Warning: ${name} is not a variable of Cliptrace and changes nothing; is it misspelt? docs/api.md lists them`,
    );
  }
}

async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  let code = 0;
  const program = createProgram(context, (told) => {
    code = told;
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.terminal.out(text.trimEnd()),
      writeErr: (text) => context.terminal.err(text.trimEnd()),
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return tellError(error, argv, context);
    if (error.exitCode === 0) return EXIT_DONE;
    // It has told people already.
    if (argv.includes('--json')) {
      const message = error.message.replace(/^error: /, '');
      printJson(context.terminal, { error: { code: 'USAGE', message } });
    }
    return EXIT_USAGE;
  }
}

function tellError(error: unknown, argv: readonly string[], { terminal }: CommandContext): number {
  const code = errorCodeOf(error);
  const message = errorMessageOf(error);
  if (argv.includes('--json')) printJson(terminal, { error: { code, message } });
  terminal.err(`${code}: ${message}`);
  if (code === 'INTERNAL' && error instanceof Error && error.stack) terminal.err(error.stack);
  return isWrongUsage(error, argv) ? EXIT_USAGE : EXIT_FAILED;
}

function isWrongUsage(error: unknown, argv: readonly string[]): boolean {
  if (!(error instanceof CliptraceError)) return false;
  if (error.code === 'USAGE' || error.code === 'REQUEST_INVALID') return true;
  // A precision that the model does not have, when it is this command line that asks for it.
  const isGiven = argv.some((argument) => /^--precision(=|$)/.test(argument));
  return isGiven && error.details.precision !== undefined;
}

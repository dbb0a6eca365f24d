import { z } from 'zod';
import { collectionName, DEFAULT_COLLECTION, id, timestamp } from './common.js';
import { metaGiven } from './filters.js';

export const jobStatus = z.enum(['queued', 'running', 'paused', 'done', 'failed', 'cancelled']);
export const fileOutcome = z.enum([
  'indexed',
  'updated',
  'unchanged',
  'moved',
  'duplicate',
  'failed',
  'skipped',
  'missing',
  'pruned',
]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is refused
const noNulByte = /^[^\u0000]*$/;

export const createJobBody = z
  .strictObject({
    type: z.literal('index'),
    path: z
      .string()
      .min(1)
      .max(4096)
      .regex(noNulByte, 'must hold no NUL byte')
      .describe('Absolute path of a file or folder on the server, below a configured archive root.'),
    collection: collectionName.default(DEFAULT_COLLECTION),
    labelFrom: z.enum(['folder']).optional().describe("`folder`: each file's folder name becomes its label."),
    meta: metaGiven.optional().describe('What is to be known of every video, by key.'),
    retryFailed: z
      .boolean()
      .default(false)
      .describe('Only files below the path that failed when they were last tried.'),
  })
  .meta({ id: 'CreateJob' });

const count = z.int().min(0);

export const jobProgress = z
  .object({
    filesTotal: count.nullable().describe('Null until the folder has been read.'),
    filesDone: count,
    filesSkipped: count,
    filesFailed: count,
    filesOther: count.describe('Files that are no videos, by content and by name; not part of the total.'),
    segments: count,
    videoSeconds: z.number().min(0).describe('Seconds of video that were embedded.'),
    durationTotalSeconds: z.number().min(0).nullable().describe('Seconds of video in all files.'),
    durationDoneSeconds: z
      .number()
      .min(0)
      .describe('In those that are dealt with, embedded or known already.'),
    durationIsEstimate: z.boolean().describe('True while the length of some file is guessed from its bytes.'),
    bytesTotal: count.nullable(),
    bytesDone: count,
    etaSeconds: z
      .number()
      .min(0)
      .nullable()
      .describe('From the seconds of video that are left and the speed of the last minute.'),
    currentFile: z.string().nullable().describe('The file that was begun last.'),
    filesInHand: z
      .array(
        z.object({
          path: z.string(),
          doneSeconds: z.number().min(0),
          durationSeconds: z
            .number()
            .min(0)
            .nullable()
            .describe('As the header says; null until it was read.'),
        }),
      )
      .describe('The files that are being embedded.'),
    queriesTotal: count
      .nullable()
      .describe('Of jobs that search; null for other jobs and until it is known.'),
    queriesDone: count,
  })
  .meta({ id: 'JobProgress' });

const jobFields = {
  id,
  type: z.enum(['index', 'upload', 'evaluate', 'boilerplate', 'calibrate', 'duplicates']),
  status: jobStatus,
  collection: z.string().nullable().describe('Null: the whole library (evaluations, duplicates).'),
  title: z.string().nullable().describe('Of an uploaded video; null for other jobs.'),
  paths: z
    .array(z.string())
    .nullable()
    .describe(
      'What an index job reads, beside the uploads of its collection that another model has embedded (empty: these alone): the first 20 (`GET /jobs/{id}`: all); null for other jobs, and for API keys without the scope `admin`.',
    ),
  pathCount: count.nullable().describe('How many paths the job reads; null where `paths` is.'),
  progress: jobProgress,
  error: z.object({ code: z.string(), message: z.string() }).nullable().describe('Why it failed.'),
  createdAt: timestamp,
  startedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
};

export const job = z.object(jobFields).meta({ id: 'Job' });

export const jobFile = z
  .object({
    path: z
      .string()
      .describe("The file (its name alone for API keys without the scope `admin`); an upload's title."),
    outcome: fileOutcome,
    videoId: id.nullable(),
    code: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: 'JobFile' });

export const jobWithFiles = z
  .object({
    ...jobFields,
    videoId: id.nullable().describe('The video that an upload became; null for other jobs and until then.'),
    outcomes: z.record(fileOutcome, count).describe('Number of files by outcome.'),
    failuresByCode: z
      .record(z.string(), count)
      .describe('Number of failed files by code, the most frequent first.'),
    failures: z.array(jobFile).describe('Files that failed, the first thousand.'),
  })
  .meta({ id: 'JobWithFiles' });

export const jobList = z.object({ jobs: z.array(job).describe('Newest first.') }).meta({ id: 'JobList' });

export const jobEventsQuery = z.strictObject({
  lastEventId: z
    .int()
    .min(0)
    .optional()
    .describe('For clients that cannot set the header Last-Event-ID, which goes before.'),
});

export const listJobsQuery = z.strictObject({
  limit: z.int().min(1).max(200).default(50),
});

/** What the `data:` line of an event holds, by the event's name. */
export const jobEvents = {
  progress: z.object({ job }).meta({ id: 'JobProgressEvent' }),
  file: z.object({ job, file: jobFile }).meta({ id: 'JobFileEvent' }),
  end: z.object({ job }).meta({ id: 'JobEndEvent' }),
} as const;

export type CreateJobJson = z.input<typeof createJobBody>;
export type JobListJson = z.infer<typeof jobList>;
export type JobJson = z.infer<typeof job>;
export type JobFileJson = z.infer<typeof jobFile>;
export type JobWithFilesJson = z.infer<typeof jobWithFiles>;

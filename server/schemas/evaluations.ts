import { z } from 'zod';
import { EDIT_NAMES } from '../../index/evaluation/edits/types.js';
import { evaluationBody } from '../../index/evaluation/request.js';
import { LEFT_OUT_REASONS, type LeftOutReason, PROTOCOLS, RANKINGS } from '../../index/evaluation/types.js';
import { id, timestamp } from './common.js';
import { jobStatus } from './jobs.js';

export const createEvaluationBody = evaluationBody.meta({ id: 'CreateEvaluation' });

const count = z.int().min(0);
const share = z.number().min(0).max(1);

const estimateFields = {
  value: share.nullable().describe('A mean over the queries; null when there are none.'),
  low: share.nullable().describe('Lower end of the 95 % bootstrap interval.'),
  high: share.nullable(),
};
const estimate = z.object(estimateFields).meta({ id: 'Estimate' });
const recall = z.array(z.object({ k: z.int().min(1), ...estimateFields }).meta({ id: 'RecallAt' }));

const problem = z
  .object({
    code: z.string(),
    message: z.string(),
    count,
    items: z.array(z.string()).describe('The first thousand.'),
  })
  .meta({ id: 'EvaluationProblem' });

const reasons = Object.keys(LEFT_OUT_REASONS) as [LeftOutReason, ...LeftOutReason[]];
const leftOut = z
  .object({
    count,
    byReason: z
      .partialRecord(z.enum(reasons), count)
      .describe(reasons.map((reason) => `${reason}: ${LEFT_OUT_REASONS[reason]}.`).join(' ')),
    videos: z
      .array(z.object({ videoId: id, title: z.string(), reason: z.enum(reasons) }))
      .describe('The first thousand.'),
  })
  .meta({ id: 'LeftOut' });

const compared = {
  here: share.nullable(),
  there: share.nullable(),
  difference: z
    .object({ value: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable() })
    .describe('Here minus there, with the interval of the paired difference.'),
};

const comparison = z
  .object({
    against: z.object({ evaluationId: id.nullable(), modelId: z.string() }),
    queryCount: count.describe('Queries that both have: the figures are over these.'),
    onlyHere: count,
    onlyThere: count,
    recall: z.array(z.object({ k: z.int().min(1), ...compared })),
    quality: z.object({ name: z.enum(['meanAveragePrecision', 'meanReciprocalRank']), ...compared }),
  })
  .meta({ id: 'Comparison' });

const reportFields = {
  comparison: comparison.nullable().describe('Null unless it was asked for.'),
  formatVersion: z.literal(1),
  model: z.object({ id: z.string(), dimension: z.int().min(1), timesteps: z.int().min(1) }),
  library: z
    .object({
      collection: z.string().nullable(),
      videoCount: count,
      segmentCount: count,
      lastChange: count.describe(
        'Number of the last change of the library: where it is equal, so are the segments.',
      ),
    })
    .describe('The library as it was.'),
  queryCount: count,
  elapsedSeconds: z.number().min(0),
  problems: z.array(problem).describe('What is odd about the input; nothing is dropped in silence.'),
};

const labelsReport = z
  .object({
    ...reportFields,
    protocol: z.literal('labels'),
    settings: z.object({
      k: z.array(z.int().min(1)),
      ranking: z.enum(RANKINGS),
      queries: z.enum(['leave-one-out', 'split']),
      maxQueries: z.int().nullable(),
      seed: count,
      resamples: count,
      rankingDepth: z.int().nullable().describe('Ranked videos that average precision looks at; null: all.'),
      confidence: share,
    }),
    galleryCount: count,
    recall,
    meanAveragePrecision: estimate,
    perLabel: z.array(
      z.object({
        label: z.string(),
        queryCount: count,
        galleryCount: count,
        recall,
        meanAveragePrecision: estimate,
      }),
    ),
    confusion: z
      .array(
        z.object({
          label: z.string(),
          nearest: z.array(z.object({ label: z.string(), count })),
        }),
      )
      .describe('By label of the query: the labels of its nearest videos.'),
    leftOut,
    queries: z
      .array(
        z.object({
          videoId: id,
          contentHash: z.string(),
          title: z.string(),
          label: z.string(),
          firstHitRank: z.int().min(1).nullable(),
          averagePrecision: share,
          nearest: z
            .object({ videoId: id, title: z.string(), label: z.string(), similarity: z.number() })
            .nullable(),
        }),
      )
      .describe('The first five thousand.'),
  })
  .meta({ id: 'LabelsReport' });

const seconds = z.number().min(0);
const timeRange = z
  .object({
    count: count.describe('Queries whose right video came first and whose true range is known.'),
    medianSeconds: seconds.nullable(),
    p90Seconds: seconds.nullable(),
    within: z.array(z.object({ seconds, ...estimateFields })),
  })
  .describe('Error of the found time range: the larger of the errors of start and end.')
  .meta({ id: 'TimeFigures' });

const span = z.object({ startSeconds: z.number(), endSeconds: z.number() });
const targetOutcome = {
  rank: z.int().min(1).nullable(),
  score: z.number().nullable(),
  found: span.nullable(),
  expected: span.nullable(),
  errorSeconds: seconds.nullable(),
};

const searchSettings = {
  k: z.array(z.int().min(1)),
  seed: count,
  resamples: count,
  confidence: share,
};

const pairsReport = z
  .object({
    ...reportFields,
    protocol: z.literal('pairs'),
    settings: z.object(searchSettings),
    recall,
    meanReciprocalRank: estimate,
    timeRange,
    queries: z
      .array(z.object({ line: z.int(), query: z.string(), targetVideoId: id, ...targetOutcome }))
      .describe('The first five thousand.'),
  })
  .meta({ id: 'PairsReport' });

const editFigures = { queryCount: count, recall, meanReciprocalRank: estimate, timeRange };
const edit = z.enum(EDIT_NAMES);

const editsReport = z
  .object({
    ...reportFields,
    protocol: z.literal('edits'),
    settings: z.object({ ...searchSettings, partCount: count, edits: z.array(edit), pairsPerPart: count }),
    ...editFigures,
    groups: z
      .array(z.object({ name: z.enum(['single', 'mirror-and-speed', 'pairs']), ...editFigures }))
      .describe('`single`: single edits but mirror and speed.'),
    playedBackwards: z
      .object({
        partCount: count,
        lower: estimate.describe('Share of the parts of which the clip played backwards scores lower.'),
        gap: estimate.describe('Score of the clip less that of the clip played backwards.'),
      })
      .nullable()
      .optional()
      .describe('Scores of the source for clips as they are and played backwards; absent from old reports.'),
    byEdit: z.array(z.object({ edits: z.array(edit), ...editFigures })),
    leftOut,
    queries: z
      .array(
        z.object({
          videoId: id,
          contentHash: z.string(),
          title: z.string(),
          edits: z.array(edit),
          ...targetOutcome,
        }),
      )
      .describe('The first five thousand.'),
  })
  .meta({ id: 'EditsReport' });

const annReport = z
  .object({
    ...reportFields,
    protocol: z.literal('ann'),
    settings: z.object({
      k: count,
      queryCount: count,
      efs: z.array(z.int().min(1)),
      targetRecall: share,
      seed: count,
      resamples: count,
      confidence: share,
    }),
    exact: z.object({ p50Ms: z.number().min(0).nullable() }),
    levels: z.array(
      z.object({
        ef: z.int().min(1),
        recall: estimate.describe('Share of the ten exact nearest segments that were found.'),
        p50Ms: z.number().min(0),
        p99Ms: z.number().min(0),
      }),
    ),
    chosenEf: z.int().nullable().describe('The least ef that reaches the target; null when none does.'),
  })
  .meta({ id: 'AnnReport' });

const report = z.discriminatedUnion('protocol', [labelsReport, editsReport, pairsReport, annReport]);

const stateFields = {
  id: id.describe('Also that of its job.'),
  protocol: z.enum(PROTOCOLS),
  collection: z.string().nullable().describe('Null: the whole library.'),
  status: jobStatus,
  progress: z.object({ queriesTotal: count.nullable(), queriesDone: count }),
  error: z.object({ code: z.string(), message: z.string() }).nullable().describe('Why it failed.'),
  createdAt: timestamp,
  startedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
};

export const evaluation = z
  .object({ ...stateFields, report: report.nullable().describe('Null until it is done.') })
  .meta({ id: 'Evaluation' });

const summary = z
  .object({
    protocol: z.enum(PROTOCOLS),
    modelId: z.string(),
    collection: z.string().nullable(),
    queryCount: count,
    problemCount: count,
    headline: z.array(z.object({ name: z.string(), ...estimateFields })),
  })
  .meta({ id: 'EvaluationSummary' });

export const evaluationList = z
  .object({
    evaluations: z
      .array(z.object({ ...stateFields, summary: summary.nullable().describe('Null until it is done.') }))
      .describe('Newest first.'),
  })
  .meta({ id: 'EvaluationList' });

export const listEvaluationsQuery = z.strictObject({ limit: z.int().min(1).max(200).default(50) });

export type EvaluationJson = z.infer<typeof evaluation>;
export type EvaluationListJson = z.infer<typeof evaluationList>;
export type CreateEvaluationJson = z.input<typeof createEvaluationBody>;

import { z } from 'zod';

export const health = z
  .object({ status: z.literal('ok'), version: z.string(), uptimeSeconds: z.number().min(0) })
  .meta({ id: 'Health' });

export const readiness = z
  .object({
    ready: z.boolean(),
    reason: z.string().nullable().describe('Why it is not ready; null when it is.'),
    model: z
      .object({ id: z.string(), dimension: z.int().min(1) })
      .nullable()
      .describe('Null without an API key, where keys are asked for; ffmpeg and index too.'),
    ffmpeg: z.object({ version: z.string(), source: z.string(), warning: z.string().nullable() }).nullable(),
    index: z
      .object({
        how: z.enum(['loaded', 'rebuilt', 'empty']),
        reason: z.string().nullable(),
        segmentCount: z.int().min(0),
      })
      .nullable()
      .describe('How the vector index came to be at this start; null while it loads.'),
  })
  .meta({ id: 'Readiness' });

export type HealthJson = z.infer<typeof health>;
export type ReadinessJson = z.infer<typeof readiness>;

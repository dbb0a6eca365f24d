import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../index/errors.js';

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

export const problem = z
  .object({
    type: z.string().describe('URI reference of the kind of problem: `/problems/CODE`.'),
    title: z.string().describe('The kind of problem, always the same for one code.'),
    status: z.int().min(400).max(599),
    code: z.enum(codes).describe('Stable name of the problem, for programs.'),
    detail: z.string().describe('What happened this time: the bad value and the remedy.'),
    instance: z.string().optional().describe('Id of the request, as in the log and in X-Request-Id.'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('One entry for each field of the request that is wrong.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });

export type Problem = z.infer<typeof problem>;

import { presentEvaluation } from '../../index/evaluation/present.js';
import { findEvaluation } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { idPath } from '../schemas/common.js';
import { evaluation } from '../schemas/evaluations.js';

export const getEvaluation = defineRoute({
  name: 'getEvaluation',
  method: 'get',
  address: '/evaluations/{id}',
  scope: 'ingest',
  summary: 'How an evaluation goes, and its report',
  path: idPath,
  answers: { 200: { description: 'The evaluation.', schema: evaluation } },
  errors: ['EVALUATION_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    const { job, stored } = await findEvaluation(services.cliptrace, principal, path.id);
    return { status: 200, body: presentEvaluation(job, stored) };
  },
});

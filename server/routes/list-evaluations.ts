import { presentEvaluationSummary } from '../../index/evaluation/present.js';
import { defineRoute } from '../http/route.js';
import { evaluationList, listEvaluationsQuery } from '../schemas/evaluations.js';

export const listEvaluations = defineRoute({
  name: 'listEvaluations',
  method: 'get',
  address: '/evaluations',
  scope: 'ingest',
  summary: 'List the evaluations',
  query: listEvaluationsQuery,
  answers: { 200: { description: 'The latest evaluations, newest first.', schema: evaluationList } },
  errors: [],
  handle: async ({ services, principal, query }) => {
    const { library, jobs } = services.cliptrace;
    const listed = await library.listEvaluations(query.limit, principal.collections ?? undefined);
    const evaluations = await Promise.all(
      listed.map(async (one) => presentEvaluationSummary(await jobs.get(one.id), one)),
    );
    return { status: 200, body: { evaluations } };
  },
});

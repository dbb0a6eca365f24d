import { presentEvaluation } from '../../index/evaluation/present.js';
import { requestOf } from '../../index/evaluation/request.js';
import { API_PREFIX } from '../address.js';
import { findEvaluation, requireCollection, requireOwnCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { createEvaluationBody, evaluation } from '../schemas/evaluations.js';

/** A split of a hundred thousand videos fits. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export const createEvaluation = defineRoute({
  name: 'createEvaluation',
  method: 'post',
  address: '/evaluations',
  scope: 'ingest',
  summary: 'Measure recall on the library',
  description:
    'A job: it waits for its turn, and can be paused and cancelled at /jobs/{id}, with the same id.',
  json: createEvaluationBody,
  maxJsonBytes: MAX_BODY_BYTES,
  answers: {
    202: {
      description: 'The queued evaluation.',
      schema: evaluation,
      headers: { Location: 'Address of the evaluation.' },
    },
  },
  errors: ['COLLECTION_NOT_FOUND', 'EVALUATION_NOT_FOUND'],
  handle: async ({ services, principal, json }) => {
    const { cliptrace } = services;
    const body = json as NonNullable<typeof json>;
    requireOwnCollection(principal, body.collection ?? null);
    await requireCollection(cliptrace, principal, body.collection);
    if (body.against !== undefined) await findEvaluation(cliptrace, principal, body.against);
    const job = await cliptrace.jobs.submitEvaluation(
      requestOf(body, { baseFolder: null, queryRoots: services.configuration.archiveRoots }),
    );
    return {
      status: 202,
      headers: { Location: `${API_PREFIX}/evaluations/${job.id}` },
      body: presentEvaluation(job, { report: null }),
    };
  },
});

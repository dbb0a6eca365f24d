import { reportHtml } from '../../index/evaluation/html/report-html.js';
import { presentEvaluation } from '../../index/evaluation/present.js';
import { findEvaluation } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { idPath } from '../schemas/common.js';

/** The file has its style in itself, and nothing else. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const getEvaluationReport = defineRoute({
  name: 'getEvaluationReport',
  method: 'get',
  address: '/evaluations/{id}/report',
  scope: 'ingest',
  summary: 'The report of an evaluation as one HTML file, with charts',
  path: idPath,
  answers: {
    200: { description: 'A file that needs nothing else.', schema: null, contentType: 'text/html' },
  },
  errors: ['EVALUATION_NOT_FOUND'],
  handle: async ({ services, principal, path, response }) => {
    const { job, stored } = await findEvaluation(services.cliptrace, principal, path.id);
    response
      .status(200)
      .setHeader('Content-Security-Policy', POLICY)
      .setHeader('Cache-Control', 'no-store')
      .type('html')
      .send(reportHtml(presentEvaluation(job, stored)));
    return undefined;
  },
});

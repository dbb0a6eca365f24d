import { defineRoute } from '../http/route.js';

export const getMetrics = defineRoute({
  name: 'getMetrics',
  method: 'get',
  address: '/metrics',
  alsoAtRoot: true,
  scope: 'admin',
  summary: 'Counts and measurements, for Prometheus',
  answers: { 200: { description: 'Text format 0.0.4.', schema: null, contentType: 'text/plain' } },
  errors: [],
  handle: async ({ services: { metrics }, response }) => {
    const text = await metrics.text();
    response.setHeader('Content-Type', metrics.contentType);
    response.setHeader('Cache-Control', 'no-store');
    response.status(200).end(text);
    return undefined;
  },
});

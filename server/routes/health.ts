import { defineRoute } from '../http/route.js';
import { health } from '../schemas/health.js';
import { VERSION } from '../version.js';

export const getHealth = defineRoute({
  name: 'getHealth',
  method: 'get',
  address: '/healthz',
  alsoAtRoot: true,
  scope: null,
  isProbe: true,
  summary: 'Whether the process answers',
  answers: { 200: { description: 'It does.', schema: health } },
  errors: [],
  handle: () => ({
    status: 200,
    body: { status: 'ok', version: VERSION, uptimeSeconds: Math.round(process.uptime() * 1000) / 1000 },
  }),
});

import { z } from 'zod';
import { SCOPES } from '../../index/access/scopes.js';

export const access = z
  .object({
    authentication: z.boolean().describe('Whether this server asks for API keys.'),
    keyId: z.string().nullable().describe('Id of the key that the request came with.'),
    scopes: z
      .array(z.enum(SCOPES))
      .describe('What it is good for; empty without a key where keys are asked for.'),
    collections: z.array(z.string()).nullable().describe('Collections that it is limited to; null for all.'),
  })
  .meta({ id: 'Access' });

export type AccessJson = z.infer<typeof access>;

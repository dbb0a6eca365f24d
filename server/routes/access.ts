import { defineRoute } from '../http/route.js';
import { type AccessJson, access } from '../schemas/access.js';

export const getAccess = defineRoute({
  name: 'getAccess',
  method: 'get',
  address: '/access',
  scope: null,
  summary: 'What the sender of this request may do',
  answers: { 200: { description: 'It.', schema: access } },
  errors: [],
  handle: ({ services, principal: { keyId, scopes, collections } }) => {
    const body: AccessJson = {
      authentication: services.configuration.authentication,
      keyId,
      scopes: [...scopes],
      collections: collections === null ? null : [...collections],
    };
    return { status: 200, body };
  },
});

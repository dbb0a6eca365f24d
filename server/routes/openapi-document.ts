import { z } from 'zod';
import { defineRoute, type Route } from '../http/route.js';
import { openApiDocument } from '../openapi.js';

/** `routes` is asked for at each request: the document describes its own route too. */
export function openApiDocumentRoute(routes: () => readonly Route[]): Route {
  return defineRoute({
    name: 'getOpenApiDocument',
    method: 'get',
    address: '/openapi.json',
    alsoAtRoot: true,
    scope: null,
    summary: 'This interface as an OpenAPI 3.1 document',
    answers: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
    errors: [],
    handle: () => ({ status: 200, body: openApiDocument(routes()) }),
  });
}

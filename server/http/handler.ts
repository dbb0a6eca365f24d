import type { Request, RequestHandler, Response } from 'express';
import { CliptraceError, errorCodeOf } from '../../index/errors.js';
import { clientOfAddress } from '../access/client-limits.js';
import type { Principal } from '../access/principal.js';
import { mediaLinksFor } from '../present/media-links.js';
import type { Services } from '../services.js';
import { readJson } from './json-body.js';
import { parse, parseText } from './parse.js';
import { redactUpload } from './redact.js';
import type { Answer, Route, RouteContext } from './route.js';
import { type ReceivedForm, receiveForm } from './upload.js';

type Context = RouteContext<unknown, unknown, unknown, unknown>;
type Body = Pick<Context, 'json' | 'upload'>;

/** What a route does with a request: ask who sends it, validate, receive, handle, answer, clean up. */
export function handlerOf(route: Route, services: Services): RequestHandler {
  return async (request, response) => {
    response.locals.route = route.address;
    const principal = await admit(route, services, request, response);
    const path = parseText(route.path, request.params, 'address');
    const query = parseText(route.query, request.query as Record<string, unknown>, 'query string');
    const answer = await withBody(route, services, request, response, (body) =>
      route.handle({
        ...body,
        services,
        principal,
        links: mediaLinksFor(principal, services.tickets),
        path,
        query,
        signal: signalOf(response),
        request,
        response,
      }),
    );
    if (answer !== undefined) send(response, answer);
  };
}

/** KEY_REQUIRED, KEY_INVALID, KEY_NOT_ALLOWED, TOO_MANY_REQUESTS: from headers alone, before any body is read. */
async function admit(
  route: Route,
  { authentication, clientLimits }: Services,
  request: Request,
  response: Response,
): Promise<Principal> {
  const address = clientOfAddress(request.ip);
  const ticketVideoId = route.acceptsTicket ? Number(request.params.id) : null;
  const principal = await authentication
    .check(request, { scope: route.scope, alsoScope: route.alsoScope, ticketVideoId })
    .catch(async (error: unknown) => {
      if (errorCodeOf(error) === 'KEY_INVALID') await clientLimits.countRefusedKey(address);
      throw error;
    });
  response.locals.keyId = principal.keyId;
  if (principal.keyId !== null) await clientLimits.countRequest(`key ${principal.keyId}`);
  if (!route.isProbe || principal.keyId !== null) {
    clientLimits.enter(principal.keyId === null ? address : `key ${principal.keyId}`, response);
  }
  return principal;
}

async function withBody(
  route: Route,
  services: Services,
  request: Request,
  response: Response,
  handle: (body: Body) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  if (route.json === null && route.multipart === null) return handle({ json: undefined, upload: undefined });
  const isMultipart =
    request.is('multipart/form-data') !== false && request.is('multipart/form-data') !== null;
  if (route.multipart !== null && isMultipart) {
    return services.uploads.run(undefined, () => withUpload(route, services, request, response, handle));
  }
  if (route.json !== null && request.is(['application/json', 'application/*+json'])) {
    invite(request, response);
    return handle({
      json: parse(route.json, await readJson(request, response, route.maxJsonBytes), 'body'),
      upload: undefined,
    });
  }
  throw wrongContentType(route, request);
}

async function withUpload(
  route: Route,
  services: Services,
  request: Request,
  response: Response,
  handle: (body: Body) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const { fileField, fields } = route.multipart as NonNullable<Route['multipart']>;
  route.admit(services);
  invite(request, response);
  const form: ReceivedForm = await receiveForm(request, response, {
    fileField,
    fieldNames: Object.keys(fields.shape),
    temporaryFolder: services.cliptrace.dataFolder.temporaryFolder,
    maxUploadBytes: services.configuration.maxUploadBytes,
  });
  response.locals.redact = redactUpload(form.file);
  try {
    return await handle({
      json: undefined,
      upload: { file: form.file, fields: parseText(fields, form.fields, 'form') },
    });
  } finally {
    await form.discard();
  }
}

/** A client that asks before it sends its body is answered only now. */
function invite(request: Request, response: Response): void {
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
}

/** Aborted when the connection goes before the answer is complete. */
function signalOf(response: Response): AbortSignal {
  const gone = new AbortController();
  const leave = () => {
    if (!response.writableFinished) gone.abort(new CliptraceError('CANCELLED', 'The client went away.'));
  };
  response.once('close', leave);
  if (response.destroyed) leave();
  return gone.signal;
}

function send(response: Response, answer: Answer): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'no-store');
  response.status(answer.status);
  if (answer.body === undefined) response.end();
  else response.json(answer.body);
}

function wrongContentType(route: Route, request: Request): CliptraceError {
  const accepted = [
    ...(route.multipart === null
      ? []
      : [`multipart/form-data with a file in the part "${route.multipart.fileField}"`]),
    ...(route.json === null ? [] : ['application/json']),
  ].join(' or ');
  const given = request.headers['content-type'];
  const what =
    given === undefined
      ? 'The request has no content type'
      : `${JSON.stringify(given.slice(0, 100))} is not accepted here`;
  return new CliptraceError('MEDIA_TYPE_NOT_SUPPORTED', `${what}; send ${accepted}.`);
}

import { followJob, type JobEvent } from './job-events.js';
import { type FieldValues, flattened, queryText, Transport, type TransportOptions } from './transport.js';
import type * as types from './types.js';

export { Cancelled, RequestFailed } from './errors.js';
export type { JobEvent } from './job-events.js';
export type * from './types.js';

export interface ClientOptions extends TransportOptions {}

/**
 * The HTTP interface of a Cliptrace server, for browsers and Node 20 and newer. Each method is one operation of its
 * OpenAPI document. All throw `RequestFailed` with the server's problem, or `Cancelled` when their signal is aborted.
 */
export class CliptraceClient {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
  }

  /** Finds where a clip comes from. */
  search(
    clip: Blob,
    options: types.SearchOptions = {},
    { fileName, onProgress, signal }: types.UploadOptions = {},
  ): Promise<types.SearchAnswer> {
    const form = formOf({ ...options }, 'clip', clip, fileName);
    return this.#transport.call({ method: 'POST', path: '/search', form, onProgress, signal });
  }

  searchByVideo(query: types.SearchByVideo, { signal }: types.CallOptions = {}): Promise<types.SearchAnswer> {
    return this.#transport.call({ method: 'POST', path: '/search', json: query, signal });
  }

  /** Several searches at once, one answer or problem each. */
  searchBatch(
    searches: types.SearchByVideo[],
    { signal }: types.CallOptions = {},
  ): Promise<types.SearchBatchAnswer> {
    return this.#transport.call({ method: 'POST', path: '/search/batch', json: { searches }, signal });
  }

  similarVideos(
    id: number,
    query: types.SimilarQuery = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.SearchAnswer> {
    return this.#transport.call({
      method: 'GET',
      path: `/videos/${id}/similar${queryText({ ...query })}`,
      signal,
    });
  }

  /** What stands in many videos or shows next to nothing, and counts for less in a search. */
  listBoilerplate(
    query: types.BoilerplateQuery = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.BoilerplateList> {
    return this.#transport.call({ method: 'GET', path: `/boilerplate${queryText({ ...query })}`, signal });
  }

  /** Looks through a collection for it now. */
  createBoilerplate(body: types.CreateBoilerplate, { signal }: types.CallOptions = {}): Promise<types.Job> {
    return this.#transport.call({ method: 'POST', path: '/boilerplate', json: body, signal });
  }

  createDuplicates(
    body: types.CreateDuplicates = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.Duplicates> {
    return this.#transport.call({ method: 'POST', path: '/duplicates', json: body, signal });
  }

  getDuplicates(id: number, { signal }: types.CallOptions = {}): Promise<types.Duplicates> {
    return this.#transport.call({ method: 'GET', path: `/duplicates/${id}`, signal });
  }

  listVideos(
    query: types.ListVideosQuery = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.VideoPage> {
    return this.#transport.call({ method: 'GET', path: `/videos${queryText({ ...query })}`, signal });
  }

  /** Sends a video to keep; the job that indexes it. */
  addVideo(
    video: Blob,
    fields: types.UploadVideoFields = {},
    { fileName, onProgress, signal }: types.UploadOptions = {},
  ): Promise<types.Job> {
    const form = formOf({ ...fields }, 'video', video, fileName);
    return this.#transport.call({ method: 'POST', path: '/videos', form, onProgress, signal });
  }

  getVideo(id: number, { signal }: types.CallOptions = {}): Promise<types.Video> {
    return this.#transport.call({ method: 'GET', path: `/videos/${id}`, signal });
  }

  async removeVideo(id: number, { signal }: types.CallOptions = {}): Promise<void> {
    await this.#transport.call({ method: 'DELETE', path: `/videos/${id}`, signal });
  }

  /** A video's file as it is; with `range`, e.g. `bytes=0-1023`, a part of it. */
  getMedia(
    id: number,
    { range, signal }: types.CallOptions & { range?: string | undefined } = {},
  ): Promise<Response> {
    const headers = range === undefined ? {} : { Range: range };
    return this.#transport.send({ method: 'GET', path: `/videos/${id}/media`, headers, signal });
  }

  /** A JPEG; of the middle of the video without `atSeconds`. */
  async getThumbnail(id: number, atSeconds?: number, { signal }: types.CallOptions = {}): Promise<Blob> {
    const path = `/videos/${id}/thumbnail${queryText({ atSeconds })}`;
    return (await this.#transport.send({ method: 'GET', path, signal })).blob();
  }

  listCollections({ signal }: types.CallOptions = {}): Promise<types.CollectionList> {
    return this.#transport.call({ method: 'GET', path: '/collections', signal });
  }

  listJobs(query: types.ListJobsQuery = {}, { signal }: types.CallOptions = {}): Promise<types.JobList> {
    return this.#transport.call({ method: 'GET', path: `/jobs${queryText({ ...query })}`, signal });
  }

  /** Indexes a file or folder of the machine that the server runs on. */
  createJob(job: types.CreateJob, { signal }: types.CallOptions = {}): Promise<types.Job> {
    return this.#transport.call({ method: 'POST', path: '/jobs', json: job, signal });
  }

  getJob(id: number, { signal }: types.CallOptions = {}): Promise<types.JobWithFiles> {
    return this.#transport.call({ method: 'GET', path: `/jobs/${id}`, signal });
  }

  /** `for await (const event of client.followJob(id))`: until the job has ended, over broken connections. */
  followJob(id: number, options: types.FollowOptions = {}): AsyncGenerator<JobEvent, void> {
    return followJob(this.#transport, id, options);
  }

  pauseJob(id: number, options: types.CallOptions = {}): Promise<types.Job> {
    return this.#control(id, 'pause', options);
  }

  resumeJob(id: number, options: types.CallOptions = {}): Promise<types.Job> {
    return this.#control(id, 'resume', options);
  }

  cancelJob(id: number, options: types.CallOptions = {}): Promise<types.Job> {
    return this.#control(id, 'cancel', options);
  }

  listEvaluations(
    query: types.ListEvaluationsQuery = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.EvaluationList> {
    return this.#transport.call({ method: 'GET', path: `/evaluations${queryText({ ...query })}`, signal });
  }

  /** Measures recall on the library. A job of the same id: `followJob` tells when it has ended. */
  createEvaluation(
    evaluation: types.CreateEvaluation,
    { signal }: types.CallOptions = {},
  ): Promise<types.Evaluation> {
    return this.#transport.call({ method: 'POST', path: '/evaluations', json: evaluation, signal });
  }

  getEvaluation(id: number, { signal }: types.CallOptions = {}): Promise<types.Evaluation> {
    return this.#transport.call({ method: 'GET', path: `/evaluations/${id}`, signal });
  }

  /** The report as one HTML file that needs nothing else. */
  async getEvaluationReport(id: number, { signal }: types.CallOptions = {}): Promise<string> {
    const path = `/evaluations/${id}/report`;
    return (await this.#transport.send({ method: 'GET', path, signal })).text();
  }

  /** Has a webhook told when later videos show a clip. The secret in the answer is told this once. */
  createWatch(
    clip: Blob,
    fields: types.CreateWatchFields,
    { fileName, onProgress, signal }: types.UploadOptions = {},
  ): Promise<types.CreatedWatch> {
    const form = formOf({ ...fields }, 'clip', clip, fileName);
    return this.#transport.call({ method: 'POST', path: '/watches', form, onProgress, signal });
  }

  /** The same for a video of the library, or a part of one. */
  createWatchByVideo(
    body: types.CreateWatchByVideo,
    { signal }: types.CallOptions = {},
  ): Promise<types.CreatedWatch> {
    return this.#transport.call({ method: 'POST', path: '/watches', json: body, signal });
  }

  listWatches(
    query: types.ListWatchesQuery = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.WatchPage> {
    return this.#transport.call({ method: 'GET', path: `/watches${queryText({ ...query })}`, signal });
  }

  getWatch(id: number, { signal }: types.CallOptions = {}): Promise<types.Watch> {
    return this.#transport.call({ method: 'GET', path: `/watches/${id}`, signal });
  }

  updateWatch(
    id: number,
    change: types.UpdateWatch,
    { signal }: types.CallOptions = {},
  ): Promise<types.Watch> {
    return this.#transport.call({ method: 'PATCH', path: `/watches/${id}`, json: change, signal });
  }

  async removeWatch(id: number, { signal }: types.CallOptions = {}): Promise<void> {
    await this.#transport.call({ method: 'DELETE', path: `/watches/${id}`, signal });
  }

  rotateWatchSecret(id: number, { signal }: types.CallOptions = {}): Promise<types.RotatedSecret> {
    return this.#transport.call({ method: 'POST', path: `/watches/${id}/secret`, signal });
  }

  testWatch(id: number, { signal }: types.CallOptions = {}): Promise<types.Delivery> {
    return this.#transport.call({ method: 'POST', path: `/watches/${id}/test`, signal });
  }

  listDeliveries(
    watchId: number,
    query: types.ListDeliveriesQuery = {},
    { signal }: types.CallOptions = {},
  ): Promise<types.DeliveryPage> {
    const path = `/watches/${watchId}/deliveries${queryText({ ...query })}`;
    return this.#transport.call({ method: 'GET', path, signal });
  }

  /** With its attempts and what is sent. */
  getDelivery(
    watchId: number,
    deliveryId: number,
    { signal }: types.CallOptions = {},
  ): Promise<types.DeliveryWithAttempts> {
    return this.#transport.call({
      method: 'GET',
      path: `/watches/${watchId}/deliveries/${deliveryId}`,
      signal,
    });
  }

  redeliver(
    watchId: number,
    deliveryId: number,
    { signal }: types.CallOptions = {},
  ): Promise<types.Delivery> {
    const path = `/watches/${watchId}/deliveries/${deliveryId}/redeliver`;
    return this.#transport.call({ method: 'POST', path, signal });
  }

  /** What the key of this client allows. */
  getAccess({ signal }: types.CallOptions = {}): Promise<types.Access> {
    return this.#transport.call({ method: 'GET', path: '/access', signal });
  }

  getHealth({ signal }: types.CallOptions = {}): Promise<types.Health> {
    return this.#transport.call({ method: 'GET', path: '/healthz', signal });
  }

  /** Also resolves when the server is not ready: `ready` says so. */
  async getReadiness({ signal }: types.CallOptions = {}): Promise<types.Readiness> {
    const response = await this.#transport.reach({ method: 'GET', path: '/readyz', signal });
    return (await response.json()) as types.Readiness;
  }

  /** Text format of Prometheus; for keys with the scope `admin`. */
  async getMetrics({ signal }: types.CallOptions = {}): Promise<string> {
    return (await this.#transport.send({ method: 'GET', path: '/metrics', signal })).text();
  }

  getOpenApiDocument({ signal }: types.CallOptions = {}): Promise<{ openapi: string }> {
    return this.#transport.call({ method: 'GET', path: '/openapi.json', signal });
  }

  #control(
    id: number,
    command: 'pause' | 'resume' | 'cancel',
    { signal }: types.CallOptions,
  ): Promise<types.Job> {
    return this.#transport.call({ method: 'POST', path: `/jobs/${id}/${command}`, signal });
  }
}

function formOf(fields: FieldValues, fileField: string, file: Blob, fileName: string | undefined): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(flattened(fields))) {
    if (value !== undefined && value !== '') form.append(name, String(value));
  }
  // After the fields, so that the server knows them when the file comes.
  if (fileName === undefined) form.append(fileField, file);
  else form.append(fileField, file, fileName);
  return form;
}

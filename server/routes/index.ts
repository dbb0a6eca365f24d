import type { Route } from '../http/route.js';
import { getAccess } from './access.js';
import { addVideo } from './add-video.js';
import { cancelJob } from './cancel-job.js';
import { createBoilerplate } from './create-boilerplate.js';
import { createDuplicates } from './create-duplicates.js';
import { createEvaluation } from './create-evaluation.js';
import { createJob } from './create-job.js';
import { getDuplicates } from './get-duplicates.js';
import { getEvaluation } from './get-evaluation.js';
import { getEvaluationReport } from './get-evaluation-report.js';
import { getJob } from './get-job.js';
import { getMedia } from './get-media.js';
import { getThumbnail } from './get-thumbnail.js';
import { getVideo } from './get-video.js';
import { getHealth } from './health.js';
import { getJobEvents } from './job-events.js';
import { listBoilerplateRoute } from './list-boilerplate.js';
import { listCollections } from './list-collections.js';
import { listEvaluations } from './list-evaluations.js';
import { listJobs } from './list-jobs.js';
import { listVideos } from './list-videos.js';
import { getMetrics } from './metrics.js';
import { openApiDocumentRoute } from './openapi-document.js';
import { pauseJob } from './pause-job.js';
import { getReadiness } from './readiness.js';
import { removeVideo } from './remove-video.js';
import { resumeJob } from './resume-job.js';
import { search } from './search.js';
import { searchBatch } from './search-batch.js';
import { similarVideos } from './similar-videos.js';
import { createWatch } from './watches/create-watch.js';
import { getDelivery } from './watches/get-delivery.js';
import { getWatch } from './watches/get-watch.js';
import { listDeliveries } from './watches/list-deliveries.js';
import { listWatches } from './watches/list-watches.js';
import { redeliver } from './watches/redeliver.js';
import { removeWatch } from './watches/remove-watch.js';
import { rotateWatchSecret } from './watches/rotate-watch-secret.js';
import { testWatch } from './watches/test-watch.js';
import { updateWatch } from './watches/update-watch.js';

/** Every route there is: the app serves this table, and the OpenAPI document is made from it. */
export const ROUTES: readonly Route[] = Object.freeze([
  search,
  searchBatch,
  listVideos,
  addVideo,
  getVideo,
  similarVideos,
  removeVideo,
  getMedia,
  getThumbnail,
  listCollections,
  listBoilerplateRoute,
  createBoilerplate,
  createDuplicates,
  getDuplicates,
  listJobs,
  createJob,
  getJob,
  getJobEvents,
  pauseJob,
  resumeJob,
  cancelJob,
  listEvaluations,
  createEvaluation,
  getEvaluation,
  getEvaluationReport,
  listWatches,
  createWatch,
  getWatch,
  updateWatch,
  removeWatch,
  rotateWatchSecret,
  testWatch,
  listDeliveries,
  getDelivery,
  redeliver,
  getAccess,
  getHealth,
  getReadiness,
  getMetrics,
  openApiDocumentRoute(() => ROUTES),
]);

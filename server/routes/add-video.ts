import { rm } from 'node:fs/promises';
import { API_PREFIX } from '../address.js';
import { titleOf } from '../http/client-name.js';
import { requireOwnCollection } from '../http/found.js';
import { keepUpload } from '../http/keep-upload.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { job } from '../schemas/jobs.js';
import { uploadVideoFields } from '../schemas/videos.js';

export const addVideo = defineRoute({
  name: 'addVideo',
  method: 'post',
  address: '/videos',
  scope: 'ingest',
  summary: 'Add a video to the library',
  description: 'The file is kept in the data folder; a job indexes it.',
  multipart: { fileField: 'video', fileDescription: 'The video to keep.', fields: uploadVideoFields },
  answers: {
    202: {
      description: 'The job that indexes the video.',
      schema: job,
      headers: { Location: 'Address of the job.' },
    },
  },
  errors: [],
  handle: async ({ services, principal, upload }) => {
    const { file, fields } = upload as NonNullable<typeof upload>;
    requireOwnCollection(principal, fields.collection);
    const { dataFolder, jobs } = services.cliptrace;
    const path = await keepUpload(file, dataFolder.mediaFolder);
    try {
      const created = await jobs.submit({
        type: 'upload',
        path,
        collection: fields.collection,
        title: fields.title ?? titleOf(file.clientName),
        label: fields.label ?? null,
        ...(fields.meta === undefined ? {} : { metadata: fields.meta }),
      });
      return {
        status: 202,
        headers: { Location: `${API_PREFIX}/jobs/${created.id}` },
        body: presentJob(created, principal),
      };
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  },
});

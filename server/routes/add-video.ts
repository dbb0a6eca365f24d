import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainingWrites } from '../../index/storage-errors.js';
import { API_PREFIX } from '../address.js';
import { titleOf } from '../http/client-name.js';
import { requireOwnCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import type { Upload } from '../http/upload.js';
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
    const path = await explainingWrites('The upload', () => keep(file, dataFolder.mediaFolder));
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

/** Moves a received file among the kept ones, under a name that owes nothing to the client. */
async function keep(file: Upload, mediaFolder: string): Promise<string> {
  await mkdir(mediaFolder, { recursive: true });
  const path = join(mediaFolder, randomUUID());
  try {
    await rename(file.path, path);
  } catch (error) {
    // The media folder may be mounted from another disk.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(file.path, path).catch(async (cause) => {
      await rm(path, { force: true });
      throw cause;
    });
  }
  return path;
}

import type { Video } from '../../index/library/types.js';
import { API_PREFIX } from '../address.js';
import type { VideoJson } from '../schemas/videos.js';

export function presentVideo(video: Video): VideoJson {
  return {
    id: video.id,
    title: video.title,
    collection: video.collection,
    label: video.label,
    durationSeconds: video.durationSeconds,
    width: video.width,
    height: video.height,
    framesPerSecond: video.framesPerSecond,
    codec: video.codec,
    container: video.container,
    hasAudio: video.hasAudio,
    damaged: video.damaged,
    sizeBytes: video.sizeBytes,
    contentHash: video.contentHash,
    segmentCount: video.segmentCount,
    addedAt: video.addedAt,
    updatedAt: video.updatedAt,
    mediaUrl: mediaUrl(video.id),
    thumbnailUrl: thumbnailUrl(video.id, video.durationSeconds / 2),
  };
}

export function mediaUrl(videoId: number): string {
  return `${API_PREFIX}/videos/${videoId}/media`;
}

export function thumbnailUrl(videoId: number, atSeconds: number): string {
  return `${API_PREFIX}/videos/${videoId}/thumbnail?atSeconds=${secondsText(atSeconds)}`;
}

/** Milliseconds are finer than a frame; cut, so that a time inside the video stays inside. */
export function secondsText(seconds: number): string {
  return String(Math.floor(seconds * 1000) / 1000);
}

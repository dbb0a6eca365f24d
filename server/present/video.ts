import type { Video, VideoMetadata } from '../../index/library/types.js';
import type { VideoJson } from '../schemas/videos.js';
import type { MediaLinks } from './media-links.js';

export function presentVideo(video: Video, metadata: VideoMetadata, links: MediaLinks): VideoJson {
  return {
    id: video.id,
    title: video.title,
    collection: video.collection,
    label: video.label,
    meta: { ...metadata },
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
    mediaUrl: links.media(video.id),
    thumbnailUrl: links.thumbnail(video.id, video.durationSeconds / 2),
  };
}

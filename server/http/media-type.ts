import type { Video } from '../../index/library/types.js';

const BY_DEMUXER: Readonly<Record<string, string>> = {
  mov: 'video/mp4',
  mp4: 'video/mp4',
  avi: 'video/x-msvideo',
  mpegts: 'video/mp2t',
  mpeg: 'video/mpeg',
  mpegvideo: 'video/mpeg',
  flv: 'video/x-flv',
  asf: 'video/x-ms-asf',
  ogg: 'video/ogg',
  gif: 'image/gif',
  webm: 'video/webm',
};

const WEBM_CODECS: ReadonlySet<string> = new Set(['vp8', 'vp9', 'av1']);

/** The content type of a video's file, from what ffmpeg found in it and never from its name. */
export function mediaTypeOf({ container, codec }: Pick<Video, 'container' | 'codec'>): string {
  const demuxer = container.split(',')[0] ?? '';
  if (demuxer === 'matroska') return WEBM_CODECS.has(codec) ? 'video/webm' : 'video/x-matroska';
  return BY_DEMUXER[demuxer] ?? 'application/octet-stream';
}

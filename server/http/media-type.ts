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

const EXTENSIONS: Readonly<Record<string, string>> = {
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'video/x-matroska': 'mkv',
  'video/x-msvideo': 'avi',
  'video/mp2t': 'ts',
  'video/mpeg': 'mpg',
  'video/x-flv': 'flv',
  'video/x-ms-asf': 'wmv',
  'video/ogg': 'ogv',
  'image/gif': 'gif',
};

/** What a browser that saves a video is to call it (RFC 6266): its title, with the extension of what it is. */
export function contentDispositionOf(video: Pick<Video, 'title' | 'container' | 'codec'>): string {
  const extension = EXTENSIONS[mediaTypeOf(video)];
  const name = extension === undefined ? video.title : `${video.title}.${extension}`;
  // encodeURIComponent leaves ' ( ) * alone, which have a meaning here. Half a surrogate pair has no encoding.
  const encoded = encodeURIComponent(name.replace(/\p{Cs}/gu, '\uFFFD')).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `inline; filename*=UTF-8''${encoded}`;
}

import type { Principal } from '../access/principal.js';
import type { Tickets } from '../access/tickets.js';
import { API_PREFIX } from '../address.js';

/** Addresses of videos' files and pictures, as the client of one request can use them. */
export interface MediaLinks {
  media(videoId: number): string;
  thumbnail(videoId: number, atSeconds: number): string;
}

export function mediaLinksFor({ keyId }: Principal, tickets: Tickets): MediaLinks {
  const ticket = (videoId: number) => (keyId === null ? null : `ticket=${tickets.issue(keyId, videoId)}`);
  return {
    media: (videoId) => {
      const query = ticket(videoId);
      return `${API_PREFIX}/videos/${videoId}/media${query === null ? '' : `?${query}`}`;
    },
    thumbnail: (videoId, atSeconds) => {
      const query = [`atSeconds=${secondsText(atSeconds)}`, ticket(videoId)].filter((part) => part !== null);
      return `${API_PREFIX}/videos/${videoId}/thumbnail?${query.join('&')}`;
    },
  };
}

/** Milliseconds are finer than a frame; cut, so that a time inside the video stays inside. */
export function secondsText(seconds: number): string {
  return String(Math.floor(seconds * 1000) / 1000);
}

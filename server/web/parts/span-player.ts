import { h } from './dom.js';

interface Span {
  startSeconds: number;
  endSeconds: number;
}

// A seek that ends this near to the span was ours, or is meant to stay in it.
const TOLERANCE_SECONDS = 0.3;

/**
 * A video that plays one span over and over. Who seeks out of the span wants to see more: then it plays on.
 * `onUnplayable` is told when the browser cannot show the format.
 */
export function spanPlayer(
  url: string,
  span: Span,
  label: string,
  onUnplayable: () => void,
): HTMLVideoElement {
  const video = h('video', {
    class: 'player',
    src: url.replace(/#.*$/, ''),
    controls: true,
    playsinline: true,
    preload: 'auto',
    'aria-label': label,
  });
  let isLooping = true;
  const { startSeconds, endSeconds } = span;
  video.addEventListener('loadedmetadata', () => {
    video.currentTime = startSeconds;
    // Browsers may want a click before a page makes sound; without sound they do not.
    video.play().catch(() => {
      video.muted = true;
      video.play().catch(() => undefined);
    });
  });
  video.addEventListener('seeking', () => {
    const { currentTime } = video;
    isLooping =
      currentTime >= startSeconds - TOLERANCE_SECONDS && currentTime <= endSeconds + TOLERANCE_SECONDS;
  });
  const rewind = () => {
    if (isLooping && video.currentTime >= endSeconds) video.currentTime = startSeconds;
  };
  const watch = () => {
    rewind();
    // `timeupdate` comes four times a second; a match may be shorter than that.
    if (!video.paused && video.isConnected) requestAnimationFrame(watch);
  };
  video.addEventListener('play', watch);
  video.addEventListener('ended', () => {
    if (!isLooping) return;
    video.currentTime = startSeconds;
    void video.play().catch(() => undefined);
  });
  video.addEventListener('error', onUnplayable, { once: true });
  return video;
}

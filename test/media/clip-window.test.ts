import { describe, expect, test } from 'vitest';
import { ClipWindow } from '../../index/media/clip-window.js';
import type { DecodedClip } from '../../index/media/types.js';

/** The rule of the window, written down slowly: which frames make which clips. */
function expectedClips(count: number, frames: number, hop: number): number[][] {
  const clips: number[][] = [];
  for (let first = 0; first + frames <= count; first += hop) clips.push(range(first, frames));
  if (count > 0 && count < frames) return [range(0, frames).map((frame) => frame % count)];
  const covered = (clips.at(-1)?.at(-1) ?? -1) + 1;
  if (covered < count) clips.push(range(count - frames, frames));
  return clips;
}

function range(first: number, length: number): number[] {
  return Array.from({ length }, (_, i) => first + i);
}

function windowClips(count: number, frames: number, hop: number): DecodedClip[] {
  const window = new ClipWindow({ frames, framesPerSecond: 4 }, hop / 4, 0);
  const clips = range(0, count).map((frame) => window.push(Uint8Array.of(frame, frame)));
  expect(window.frameCount).toBe(count);
  return [...clips, window.end()].filter((clip) => clip !== null);
}

describe('ClipWindow', () => {
  test.each([1, 2, 3, 4, 5, 8])('lays clips like the slow rule at hop %i', (hop) => {
    for (const frames of [1, 4, 5]) {
      if (hop > frames) continue;
      for (let count = 0; count <= 23; count += 1) {
        const clips = windowClips(count, frames, hop);
        const shown = clips.map(({ pixels }) => [...pixels].filter((_, i) => i % 2 === 0));
        expect(shown, `${count} frames`).toEqual(expectedClips(count, frames, hop));
      }
    }
  });

  test('spans are half-open, follow the hop and end with the video', () => {
    const spans = windowClips(18, 8, 4).map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]);
    expect(spans).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [2.5, 4.5],
    ]);
    expect(windowClips(3, 8, 4)).toMatchObject([{ startSeconds: 0, endSeconds: 0.75 }]);
  });

  test('counts time from the first frame that it is told', () => {
    const window = new ClipWindow({ frames: 2, framesPerSecond: 4 }, 0.5, 7.5);
    window.push(Uint8Array.of(1));
    expect(window.push(Uint8Array.of(2))).toMatchObject({ startSeconds: 7.5, endSeconds: 8 });
  });

  test('a clip is the receiver’s own: writing into it changes no later clip', () => {
    const window = new ClipWindow({ frames: 2, framesPerSecond: 4 }, 0.25, 0);
    window.push(Uint8Array.of(1));
    window.push(Uint8Array.of(2))?.pixels.fill(99);
    expect(window.push(Uint8Array.of(3))?.pixels).toEqual(Uint8Array.of(2, 3));
  });
});

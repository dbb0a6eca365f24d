import { describe, expect, it } from 'vitest';
import { seeded } from '../../index/evaluation/seeded-random.js';
import { plainKindOf } from '../../index/media/plain-picture.js';

const SHAPE = { frames: 4, width: 8, height: 6 };
const FRAME_BYTES = SHAPE.width * SHAPE.height * 3;

/** A clip whose bytes are those of `value(frame, byte of the frame)`. */
function clip(value: (frame: number, byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: SHAPE.frames * FRAME_BYTES }, (_, i) =>
    value(Math.floor(i / FRAME_BYTES), i % FRAME_BYTES),
  );
}

describe('plainKindOf', () => {
  const random = seeded(1);
  const picture = Array.from({ length: FRAME_BYTES }, () => Math.floor(200 * random()));

  it('tells black, one colour and a still picture, with the noise of compression', () => {
    expect(
      plainKindOf(
        clip(() => 0),
        SHAPE,
      ),
    ).toBe('black');
    expect(
      plainKindOf(
        clip((_, byte) => 16 + (byte % 3)),
        SHAPE,
      ),
    ).toBe('black');
    expect(
      plainKindOf(
        clip((_, byte) => [30, 90, 200][byte % 3] as number),
        SHAPE,
      ),
    ).toBe('flat');
    expect(
      plainKindOf(
        clip((_, byte) => picture[byte] as number),
        SHAPE,
      ),
    ).toBe('still');
    const noisy = clip((frame, byte) => (picture[byte] as number) + (frame === 2 && byte % 5 === 0 ? 1 : 0));
    expect(plainKindOf(noisy, SHAPE)).toBe('still');
  });

  it('leaves alone what moves, were it one spot in one frame, and what fades', () => {
    const spot = clip((frame, byte) => (picture[byte] as number) + (frame === 1 && byte < 3 ? 40 : 0));
    expect(plainKindOf(spot, SHAPE)).toBeNull();
    expect(
      plainKindOf(
        clip((frame) => 2 * frame),
        SHAPE,
      ),
    ).toBeNull();
    expect(
      plainKindOf(
        clip((frame, byte) => picture[(byte + 3 * frame) % FRAME_BYTES] as number),
        SHAPE,
      ),
    ).toBeNull();
  });
});

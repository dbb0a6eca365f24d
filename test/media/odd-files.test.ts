import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERRORS, errorCodeOf } from '../../index/errors.js';
import { looksLikeVideo } from '../../index/media/container-check.js';
import { probeVideo } from '../../index/media/probe.js';
import { decodeAll, ffmpegProgram, limits, SAMPLES, sharedVideos } from '../fixtures/videos.js';

interface Outcome {
  probe: string;
  decode: string;
}

/** What becomes of a file: the code of its failure, or what came out. */
async function outcomeOf(filePath: string): Promise<Outcome> {
  const ffmpeg = await ffmpegProgram();
  const probe = await probeVideo({ ffmpeg, filePath, limits }).then(
    ({ codec, width, height }) => `${codec} ${width}x${height}`,
    errorCodeOf,
  );
  const decode = await decodeAll(filePath).then(
    ({ summary }) => `${summary.frameCount}${summary.damaged ? ' damaged' : ''}`,
    errorCodeOf,
  );
  return { probe, decode };
}

describe('the sample library', () => {
  test('is decoded whole, without a word of damage', async () => {
    const names = readdirSync(SAMPLES).filter((name) => name.endsWith('.mp4'));
    expect(names.length).toBeGreaterThanOrEqual(12);
    for (const name of names) {
      const { probe, decode } = await outcomeOf(join(SAMPLES, name));
      expect(probe, name).toMatch(/^h264 \d+x\d+$/);
      expect(decode, name).toMatch(/^\d+$/);
    }
  });
});

/** One of either: builds of ffmpeg differ in which of the two they see in these. */
const BROKEN = /^(NO_FRAMES|DECODE_FAILED)$/;

/** Of the files of the folder `odd`. What is not named has to be decoded without damage. */
const EXPECTED: Record<string, Partial<Record<keyof Outcome, string | RegExp>>> = {
  'afconvert-aac-0.5s.mp4': { decode: 'NO_VIDEO_STREAM' },
  'amr_nb_1f.3gp': { decode: 'NO_VIDEO_STREAM' },
  'amr_wb_1f.3gp': { decode: 'NO_VIDEO_STREAM' },
  'av1-clearkey-cbcs-video.mp4': { probe: 'VIDEO_ENCRYPTED', decode: 'VIDEO_ENCRYPTED' },
  'av1_video.mkv': { probe: 'av1 640x360', decode: '40' },
  'bbb_sunflower_QCIF_30fps_h263_noaudio_1f.3gp': { probe: 'h263 176x144', decode: '1' },
  'bbb_sunflower_QCIF_30fps_mp4v_noaudio_1f.mp4': { probe: 'mpeg4 176x144', decode: '1' },
  'bipbop-cenc-audioinit.mp4': { decode: 'NO_VIDEO_STREAM' },
  'bipbop_480wp_1001kbps-cenc-video-key1-init.mp4': { probe: 'VIDEO_ENCRYPTED', decode: 'VIDEO_ENCRYPTED' },
  'bipbop_audioinit.mp4': { decode: 'NO_VIDEO_STREAM' },
  'bipbop_cbcs_audio_init.mp4': { decode: 'NO_VIDEO_STREAM' },
  'bipbop_cbcs_video_init.mp4': { probe: 'VIDEO_ENCRYPTED', decode: 'VIDEO_ENCRYPTED' },
  'bipbop_nonfragment_header.mp4': { decode: BROKEN },
  'bt709_full_range.mp4': { probe: 'h264 1280x720', decode: '8' },
  'chunk_out_of_range.mp4': { probe: 'DECODE_FAILED', decode: 'DECODE_FAILED' },
  'h264_10bits.mp4': { probe: 'h264 200x200', decode: '8' },
  'h265_10bits.mp4': { probe: 'hevc 200x200', decode: '8' },
  'h265_video.mp4': { probe: 'hevc 128x128', decode: '8' },
  'hevc_white_frame.mp4': { probe: 'hevc 640x480', decode: '1' },
  'invalid_userdata.mp4': { decode: BROKEN },
  'minimal.mp4': { probe: 'h264 320x240', decode: '1' },
  'no_timescale.mp4': { probe: 'h264 320x240', decode: '48 damaged' },
  'opus_audioinit.mp4': { decode: 'NO_VIDEO_STREAM' },
  'opus_audioinit_two_desc.mp4': { decode: 'NO_VIDEO_STREAM' },
  'short-cenc.mp4': { probe: 'VIDEO_ENCRYPTED', decode: 'VIDEO_ENCRYPTED' },
  'sine-3s-xhe-aac-44khz-mono.mp4': { decode: 'NO_VIDEO_STREAM' },
  'test_case_1185230.mp4': { decode: BROKEN },
  'tiny_av1.mp4': { probe: 'av1 64x64', decode: '1' },
  'video_colr_nclx_hdr10.mp4': { probe: 'h264 2x2', decode: '1' },
  'video_rotation_90.mp4': { probe: 'h264 60x100', decode: '1' },
  'white.mp4': { probe: 'h264 320x240', decode: '80' },
  'zero_empty_stsc.mp4': { decode: BROKEN },
};

describe('strange and broken real files', () => {
  const folder = sharedVideos('odd');
  const names = folder === null ? [] : readdirSync(folder);

  test.skipIf(folder === null)('are all there', () => {
    expect(Object.keys(EXPECTED).filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(names)('%s', async (name) => {
    const path = join(folder as string, name);
    const outcome = await outcomeOf(path);
    const expected = EXPECTED[name] ?? { decode: /^\d+$/ };
    if (expected.decode instanceof RegExp) expect(outcome.decode).toMatch(expected.decode);
    else expect(outcome.decode).toBe(expected.decode);
    if (expected.probe !== undefined) expect(outcome.probe).toBe(expected.probe);
    // What the probe refuses, the decode refuses with the same code; none of ours is INTERNAL.
    if (outcome.probe in ERRORS) expect(outcome.decode).toBe(outcome.probe);
    expect(Object.values(outcome)).not.toContain('INTERNAL');
    expect(await looksLikeVideo(path)).toBe(true);
  });
});

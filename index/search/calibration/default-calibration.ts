import type { Calibration } from './types.js';

/**
 * Until a collection has one of its own: what `cliptrace calibrate --max-queries 160 --seed 3` fitted with the shipped encoder on 243 videos (groups 22-25 of
 * the training part of UCF101, and the samples): -6.729, 2.986, 0.153, 0.549. Few matches there are partial, so coverage and seconds count for more
 * here; and the bias is such that scores are about 1 higher for a whole match of some seconds, because in that library nearly every video stands
 * beside others of the same scene.
 */
export function defaultCalibration(modelId: string): Calibration {
  return {
    formatVersion: 1,
    modelId,
    weights: { bias: -7.3, closeness: 2.986, coverage: 1.2, logSeconds: 0.8 },
    sameFootageScore: 0.9,
    similarFrom: 0.43,
    videoCount: 0,
    queryCount: 0,
    positiveCount: 0,
    negativeCount: 0,
    fittedAt: '2026-11-28T00:00:00.000Z',
    reliability: [],
  };
}

import type { Calibration } from './types.js';

/**
 * Until a collection has one of its own: fitted with the shipped encoder on 206 edits of 137 videos (development part of UCF101,
 * and the samples), by the method of `fitCalibration`. 31 of the queries came from videos that were not among them.
 */
export function defaultCalibration(modelId: string): Calibration {
  return {
    formatVersion: 1,
    modelId,
    weights: { bias: -10.475, closeness: 3.397, coverage: 1.511, logSeconds: 0.941 },
    sameFootageScore: 0.9,
    similarFrom: 0.6,
    videoCount: 0,
    queryCount: 0,
    positiveCount: 0,
    negativeCount: 0,
    fittedAt: '2026-11-25T00:00:00.000Z',
    reliability: [],
  };
}

import { CALIBRATION_FORMAT, type Calibration } from './types.js';

/**
 * Until a collection has one of its own, and what its own is expected to be like. Made on 1,152 edits of the training part of UCF101 (groups 22-25), surveillance
 * scenes and the samples, searched in these: of a grid of weights those that put the source first most often and part it best from other takes of its
 * scene; bias and scale then fitted to the share of sources. docs/search.md.
 */
export function defaultCalibration(modelId: string): Calibration {
  return {
    formatVersion: CALIBRATION_FORMAT,
    modelId,
    weights: { bias: -11.5, closeness: 2, coverage: 1.33, logSeconds: 2.13, changeCorrelation: 5.32 },
    lookWeights: { bias: -9.28, closeness: 3.3, coverage: 2.28, logSeconds: 0.59 },
    sameFootageScore: 0.8,
    similarFrom: 0.43,
    videoCount: 0,
    queryCount: 0,
    positiveCount: 0,
    negativeCount: 0,
    fittedAt: '2026-11-28T00:00:00.000Z',
    reliability: [],
  };
}

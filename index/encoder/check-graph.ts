import { CliptraceError } from '../errors.js';
import type { ModelManifest } from './manifest.js';
import type { GraphDescription, GraphValue } from './session-protocol.js';

/** MODEL_INVALID when the graph takes or gives something else than its manifest says. */
export function checkGraph(graph: GraphDescription, manifest: ModelManifest, modelPath: string): void {
  const { input, outputs } = manifest;
  checkValue(graph.inputs, { kind: 'input', name: input.name, type: 'uint8', shape: input.shape }, modelPath);
  for (const { name, shape } of [outputs.timesteps, outputs.embedding]) {
    checkValue(graph.outputs, { kind: 'output', name, type: 'float32', shape }, modelPath);
  }
}

interface ExpectedValue {
  kind: 'input' | 'output';
  name: string;
  type: string;
  shape: readonly (number | null)[];
}

function checkValue(values: readonly GraphValue[], expected: ExpectedValue, modelPath: string): void {
  const { kind, name, type, shape } = expected;
  const found = values.find((value) => value.name === name);
  if (!found) {
    const names = values.map((value) => value.name).join(', ');
    throw invalidGraph(modelPath, `its manifest names the ${kind} "${name}", the graph has ${names}`);
  }
  // A size that the graph leaves open fits any.
  const differs = (size: string | number, axis: number): boolean =>
    typeof size === 'number' && size >= 0 && size !== shape[axis];
  if (found.type !== type || found.shape.length !== shape.length || found.shape.some(differs)) {
    const demanded = `${type} [${shape.map((size) => size ?? 'N').join(', ')}]`;
    throw invalidGraph(
      modelPath,
      `its ${kind} "${name}" is ${found.type} [${found.shape.join(', ')}], the manifest demands ${demanded}`,
    );
  }
}

export function invalidGraph(modelPath: string, why: string, cause?: unknown): CliptraceError {
  return new CliptraceError(
    'MODEL_INVALID',
    `The model ${modelPath} cannot be used: ${why}. Export the model again, or install Cliptrace again.`,
    { cause },
  );
}

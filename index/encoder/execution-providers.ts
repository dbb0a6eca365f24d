import './no-telemetry.js';
import { listSupportedBackends } from 'onnxruntime-node';

/** Names of the execution providers that this installation of ONNX Runtime carries, e.g. `cpu`. */
export function executionProviders(): string[] {
  return listSupportedBackends()
    .filter(({ bundled }) => bundled)
    .map(({ name }) => name);
}

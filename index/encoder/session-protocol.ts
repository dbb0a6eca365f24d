/** One input or output of a graph, as ONNX Runtime describes it. */
export interface GraphValue {
  name: string;
  /** Null when it is no tensor. */
  type: string | null;
  /** A name or -1 stands for a size that is left open. */
  shape: readonly (string | number)[];
}

export interface GraphDescription {
  inputs: GraphValue[];
  outputs: GraphValue[];
}

export interface SessionWorkerData {
  modelPath: string;
  threads: number;
  /** Two numbers that both threads see: see `ExitGuard`. */
  guard: SharedArrayBuffer;
}

/** What the thread is asked: one inference, or its end. */
export type SessionRequest =
  | {
      name: 'run';
      id: number;
      inputName: string;
      /** The first `byteLength` bytes of it; the worker's until it answers. */
      input: SharedArrayBuffer;
      byteLength: number;
      shape: number[];
      outputNames: string[];
    }
  | { name: 'close' };

export type SessionReply =
  | { name: 'opened'; graph: GraphDescription }
  | { name: 'failedToOpen'; message: string }
  /** In the order of `outputNames`; null where the output is missing or holds no float32. */
  | { name: 'done'; id: number; outputs: (Float32Array | null)[] }
  | { name: 'failed'; id: number; message: string };

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openLibrary, type SqliteLibrary } from '../library/sqlite-library.js';
import { answerCall } from '../threads/answer-call.js';
import type { AlignmentCall, AlignmentWorkerData } from './alignment-protocol.js';
import { CandidateShare, searchCancelled } from './candidate-share.js';

const port = parentPort as MessagePort;
const { dataFolder } = workerData as AlignmentWorkerData;
const shares = new Map<number, CandidateShare>();
let library: SqliteLibrary | null = null;

port.on('message', (call: AlignmentCall) => void answerCall(port, call, () => perform(call)));

async function perform(call: AlignmentCall): Promise<unknown> {
  switch (call.name) {
    case 'open':
      library = await openLibrary({ dataFolder, mode: 'read' });
      return null;
    case 'begin': {
      const share = new CandidateShare(library as SqliteLibrary, call.ask.request);
      shares.set(call.ask.share, share);
      return await share.compare();
    }
    case 'coarseScores':
      return await shareOf(call.ask.share).coarseScores(call.ask.edgeThreshold);
    case 'align':
      return await shareOf(call.ask.share).align(call.ask.chosen, call.ask.thresholds);
    case 'finish': {
      const hits = await shareOf(call.ask.share).finish(call.ask.retried, call.ask.mostEvidence);
      forget(call.ask.share);
      return hits;
    }
    case 'drop':
      forget(call.ask.share);
      return null;
    case 'close':
      for (const share of shares.values()) share.close();
      await library?.close();
      // The thread ends when nothing is left to do.
      port.close();
      return null;
  }
}

function forget(number: number): void {
  shares.get(number)?.close();
  shares.delete(number);
}

function shareOf(number: number): CandidateShare {
  const found = shares.get(number);
  if (!found) throw searchCancelled();
  return found;
}

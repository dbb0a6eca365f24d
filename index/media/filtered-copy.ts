import { type PartRequest, writePart } from './write-part.js';

export interface FilteredCopyRequest extends PartRequest {
  durationSeconds: number;
  /** An ffmpeg filter graph of our own making, from the label `[in]` to the label `[out]`. */
  filterGraph: string;
  /** `mpeg4` is in every build of ffmpeg, `libx264` is not. */
  codecArguments: readonly string[];
}

/** Writes a part of a video, without sound, through a filter graph. The codes of `decodeClips`. */
export async function writeFilteredCopy(request: FilteredCopyRequest): Promise<void> {
  await writePart(request, [
    ...['-filter_complex', partGraph(request.durationSeconds, request.filterGraph), '-map', '[out]'],
    ...['-an', '-sn', '-dn', '-map_metadata', '-1', ...request.codecArguments],
  ]);
}

/** Cut inside of the graph: as an output option, `-t` would count what the graph puts before or stretches. */
function partGraph(durationSeconds: number, filterGraph: string): string {
  return `[0:V:0]trim=duration=${durationSeconds.toFixed(6)},setpts=PTS-STARTPTS[in];${filterGraph}`;
}

/** A half-open range of time, [startSeconds, endSeconds), from the first frame of the video. */
export interface Span {
  startSeconds: number;
  endSeconds: number;
}

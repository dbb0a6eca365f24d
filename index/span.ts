/** A half-open range of time, [startSeconds, endSeconds), on the time line of the container: 0 is where a player starts. */
export interface Span {
  startSeconds: number;
  endSeconds: number;
}

/** Inner product of row `a` of `left` and row `b` of `right`, both [_, length]. */
export function dot(left: Float32Array, a: number, right: Float32Array, b: number, length: number): number {
  const leftStart = a * length;
  const rightStart = b * length;
  // Four sums, so that one addition need not wait for the one before.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    s0 += (left[leftStart + i] as number) * (right[rightStart + i] as number);
    s1 += (left[leftStart + i + 1] as number) * (right[rightStart + i + 1] as number);
    s2 += (left[leftStart + i + 2] as number) * (right[rightStart + i + 2] as number);
    s3 += (left[leftStart + i + 3] as number) * (right[rightStart + i + 3] as number);
  }
  for (let i = whole; i < length; i += 1) {
    s0 += (left[leftStart + i] as number) * (right[rightStart + i] as number);
  }
  return s0 + s1 + s2 + s3;
}

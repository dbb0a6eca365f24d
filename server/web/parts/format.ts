/** `1:02:03.4`; tenths only where they are wanted. */
export function clock(seconds: number, { tenths = false }: { tenths?: boolean } = {}): string {
  const units = Math.round(seconds * (tenths ? 10 : 1));
  const whole = tenths ? Math.floor(units / 10) : units;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, '0') + (tenths ? `.${units % 10}` : '');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

export function clockRange(startSeconds: number, endSeconds: number): string {
  return `${clock(startSeconds, { tenths: true })} – ${clock(endSeconds, { tenths: true })}`;
}

export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${units[power]}`;
}

/** `1 video`, `3 videos`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** An elapsed time for people: `340 ms`, `1.2 s`. */
export function elapsed(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** What is left of a job: `about 5 s`, `about 3 min`. */
export function remaining(seconds: number): string {
  if (seconds < 60) return `about ${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}

/** A file's name without its extension. */
export function stem(fileName: string): string {
  return fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '') || fileName;
}

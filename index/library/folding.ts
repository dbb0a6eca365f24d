/**
 * Text as it is compared in searches: one Unicode form (macOS decomposes file names, keyboards compose) and lower
 * case in every script.
 */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/**
 * A client's file name, made fit to be shown and kept as a title: the last part of the path, without control
 * and direction characters, at most 200 characters. Null when nothing is left. Never used as a path.
 */
export function cleanClientName(name: string): string | null {
  const base = name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = base
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const short = [...clean].slice(0, 200).join('');
  return short === '' || /^\.+$/.test(short) ? null : short;
}

/** A title from a file name: without its extension. */
export function titleOf(clientName: string | null): string {
  if (clientName === null) return 'Untitled';
  const title = clientName.replace(/\.[A-Za-z0-9]{1,5}$/, '').trim();
  return title === '' ? clientName : title;
}

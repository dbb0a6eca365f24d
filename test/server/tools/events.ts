export interface ServerEvent {
  id: string;
  event: string;
  data: unknown;
}

export interface EventLog {
  events: ServerEvent[];
  comments: string[];
  /** True when the server ended the stream. */
  hasEnded: boolean;
}

/** Reads server-sent events until the server ends the stream or `isEnough` says so. */
export async function readEvents(
  response: Response,
  isEnough = (_log: EventLog) => false,
): Promise<EventLog> {
  const log: EventLog = { events: [], comments: [], hasEnded: false };
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return { ...log, hasEnded: true };
    text += decoder.decode(value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) readBlock(block, log);
    if (isEnough(log)) {
      await reader.cancel();
      return log;
    }
  }
}

function readBlock(block: string, log: EventLog): void {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
    if (name === '') log.comments.push(value);
    else fields.set(name, value);
  }
  const data = fields.get('data');
  if (data === undefined) return;
  log.events.push({ id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) });
}

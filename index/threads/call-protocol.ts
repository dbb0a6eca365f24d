/** What a thread can be asked, with its answer. */
export type CallTable<Names extends PropertyKey> = Record<Names, { ask: unknown; answer: unknown }>;

/** One of the calls of a table, as it is posted. */
export type CallOf<Calls extends CallTable<keyof Calls>> = {
  [Name in keyof Calls & string]: { id: number; name: Name; ask: Calls[Name]['ask'] };
}[keyof Calls & string];

export interface AnyCall {
  id: number;
  name: string;
  ask: unknown;
}

export type Reply =
  | { id: number; answer: unknown }
  | { id: number; error: { code: string; message: string; details: Record<string, unknown> } };

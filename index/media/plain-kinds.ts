/** What a clip shows that hardly tells it from other clips: nothing but black, one colour, or one picture all the time. */
export const PLAIN_KINDS = ['black', 'flat', 'still'] as const;
export type PlainKind = (typeof PLAIN_KINDS)[number];

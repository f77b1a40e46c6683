/** What came of checking something from outside: a value, or a sentence that says what is wrong with it. */
export type Checked<T> = { ok: true; value: T } | { ok: false; problem: string }

/** A value that passed. */
export const passed = <T>(value: T): Checked<T> => ({ ok: true, value })

/** A value that did not; the problem names the field and holds no secret. */
export const refused = (problem: string): { ok: false; problem: string } => ({ ok: false, problem })

/** What an error says, for messages. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

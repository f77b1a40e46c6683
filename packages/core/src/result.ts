/** The outcome of something that is expected to fail now and then: a value, or what was wrong. */
export type Result<T, E = string> = { ok: true; value: T } | { ok: false; error: E }

/** A successful outcome. */
export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value })

/** A failed outcome. Where the error is a text, it names the field and holds no secret. */
export const err = <E>(error: E): { ok: false; error: E } => ({ ok: false, error })

/** Formats an instant for the wire, in UTC and whole seconds: `2026-02-03T04:05:06+00:00`. */
export function timestamp(at: Date): string {
  return `${at.toISOString().slice(0, 19)}+00:00`
}

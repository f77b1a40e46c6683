const DAY_MS = 86_400_000

/** The filters of a list that select a day in UTC, as the API counts days; none without a day. */
export const rangeOfDay = (day: string | undefined): { since?: string; until?: string } =>
  day === undefined
    ? {}
    : { since: `${day}T00:00:00Z`, until: new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString() }

/** What becomes of a thing that is imported or recovered. */
export type Outcome = 'imported' | 'unchanged' | 'skipped'

export const reportedKinds = ['service instance', 'destination', 'plan', 'job', 'restore point'] as const
export type ReportedKind = (typeof reportedKinds)[number]

/** At most this many lines of a kind are printed; all are counted. */
const MAX_LISTED = 500

/** Collects what an import or a recovery did, and why. Its lines contain no secret. */
export class Report {
  readonly #counts = new Map<string, number>()
  readonly #changed: string[] = []
  readonly #skipped: string[] = []

  /** @param why - Why it was skipped; or what was changed as it was imported. */
  add(kind: ReportedKind, id: string, outcome: Outcome, why?: string | readonly string[]): void {
    const key = `${kind} ${outcome}`
    this.#counts.set(key, this.count(kind, outcome) + 1)
    for (const each of why === undefined ? [] : [why].flat()) {
      ;(outcome === 'skipped' ? this.#skipped : this.#changed).push(`  ${kind} ${id}: ${each}`)
    }
  }

  count(kind: ReportedKind, outcome: Outcome): number {
    return this.#counts.get(`${kind} ${outcome}`) ?? 0
  }

  /** The report as text. */
  print(title: string, { verb, notes }: { verb: string; notes: readonly string[] }): string {
    const counts = reportedKinds.map((kind) => {
      const [imported, unchanged, skipped] = (['imported', 'unchanged', 'skipped'] as const).map((each) =>
        this.count(kind, each),
      )
      return `  ${`${kind}s`.padEnd(18)} ${imported} ${verb}, ${unchanged} unchanged, ${skipped} skipped`
    })
    return [
      title,
      ...counts,
      ...section('Changed:', this.#changed),
      ...section('Skipped:', this.#skipped),
      ...notes,
    ].join('\n')
  }
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  const more = lines.length - MAX_LISTED
  return [title, ...lines.slice(0, MAX_LISTED), ...(more > 0 ? [`  … and ${more} more`] : [])]
}

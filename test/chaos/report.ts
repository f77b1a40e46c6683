import type { ChaosResult } from './chaos.ts'
import { faultKinds } from './faults.ts'
import { guarantees } from './guarantees.ts'

/** What happened and what held, as two tables. */
export function reportOf({ faults, counters, skipped }: ChaosResult): string {
  const happened = faultKinds.map((kind) => [kind, faults.get(kind) ?? 0] as const)
  const held = guarantees.map((name) => [name, counters.of(name).trials, counters.of(name).violations.length] as const)
  return [
    ...table(['fault', 'times'], happened),
    '',
    ...table(['guarantee', 'trials', 'violations'], held),
    '',
    [...counters.outcomes].map(([outcome, times]) => `${times} ${outcome}`).join(', '),
    ...skipped.map((reason) => `skipped: ${reason}`),
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)))
  return texts.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

import { UsageError } from '../exit-code.ts'

/** The identity of a file as `age-keygen` and `plan keys` write it. */
export function identityIn(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length === 0) throw new UsageError('The identity file contains no identity.')
  return lines.join('\n')
}

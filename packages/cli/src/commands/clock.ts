import type { Clock } from '@osb-backup/protocol/v1'
import { CliError } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { localInstant } from '../output/describe.ts'
import { formatDuration } from '../output/units.ts'
import type { Program } from './program-context.ts'

/** Adds `clock`. */
export function addClock({ command, action }: Program): void {
  const clock = command.command('clock').description("Read PostgreSQL's clock, and confirm it after it was set")
  clock
    .command('show')
    .description("Show PostgreSQL's clock, and whether it stops deletions; exits with 1 if it does")
    .action(
      action(async (session) => {
        const { printer } = session
        const shown = await (await session.client()).clock()
        printer.value(shown, { name: shown.jump === undefined ? 'trusted' : 'set', human: () => clockLines(shown) })
        if (shown.jump !== undefined) process.exitCode = 1
      }),
    )
  clock
    .command('confirm')
    .description('Confirm that the clock is right: what is expired by it is deleted again')
    .action(
      action(async (session) => {
        const client = await session.client()
        const current = await client.clock()
        const question = `PostgreSQL's clock is ${localInstant(current.now)}. Is that right?`
        if (!(await confirm(session.io, session.flags, question))) throw new CliError('Nothing was changed.')
        const confirmed = await client.confirmClock()
        session.printer.value(confirmed, { name: 'trusted', human: () => clockLines(confirmed) })
      }),
    )
}

function clockLines({ now, jump }: Clock): string[] {
  const shown = `PostgreSQL's clock is ${localInstant(now)}.`
  if (jump === undefined) return [shown, 'It stops no deletions.']
  const { detectedAt, jumpSeconds } = jump
  const direction = jumpSeconds < 0 ? 'back' : 'ahead'
  return [
    shown,
    `It was set ${direction} by ${formatDuration(Math.abs(jumpSeconds) * 1000)} at ${localInstant(detectedAt)}: nothing is deleted by age until an admin confirms it.`,
  ]
}

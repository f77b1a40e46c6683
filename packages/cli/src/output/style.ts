import { styleText } from 'node:util'
import type { Io } from '../io.ts'

type Format = Parameters<typeof styleText>[0]

/** Colours text for one of the two output streams, where it is a terminal and `NO_COLOR` is not set. */
export type Style = (format: Format, text: string) => string

/** @param isWanted - False: no colours whatever the stream is. */
export function styleOf({ env }: Io, stream: { isTTY?: boolean }, isWanted = true): Style {
  const isForced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0'
  const isOff = !isWanted || (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb'
  if (isOff || !(stream.isTTY || isForced)) return (_, text) => text
  return (format, text) => styleText(format, text, { validateStream: false })
}

const colours: Readonly<Record<string, Format>> = {
  succeeded: 'green',
  protected: 'green',
  reachable: 'green',
  delivered: 'green',
  intact: 'green',
  ready: 'green',
  provisioned: 'cyan',
  provisioning: 'cyan',
  deprovisioning: 'yellow',
  running: 'cyan',
  queued: 'cyan',
  retrying: 'yellow',
  'at-risk': 'yellow',
  unknown: 'yellow',
  exempt: 'cyan',
  cancelled: 'yellow',
  skipped: 'yellow',
  warning: 'yellow',
  failed: 'red',
  failing: 'yellow',
  'given-up': 'red',
  unprotected: 'red',
  unreachable: 'red',
  damaged: 'red',
  missing: 'red',
  missed: 'red',
  critical: 'red',
}

/** A state in its colour; the word itself says the same. */
export function styleState(style: Style, state: string): string {
  const colour = colours[state]
  return colour === undefined ? state : style(colour, state)
}

import { useEffect, useState } from 'react'
import { formatExactInstant, formatInstant, formatRelative } from './formats.ts'

const TICK_MS = 15_000
const DASH = '–'

/** An instant in the viewer's time zone; hovering shows the exact one, also in UTC. */
export function Instant({ at, isRelative = false }: { at: string | undefined; isRelative?: boolean }) {
  const now = useNow(isRelative)
  if (at === undefined) return <span>{DASH}</span>
  const exact = `${formatExactInstant(at)}\n${at}`
  return (
    <time dateTime={at} title={exact}>
      {isRelative ? formatRelative(at, now) : formatInstant(at)}
    </time>
  )
}

/** The time, which is read again while something on the page depends on it. */
export function useNow(isTicking: boolean, tickMs = TICK_MS): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isTicking) return
    const timer = setInterval(() => setNow(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [isTicking, tickMs])
  return now
}

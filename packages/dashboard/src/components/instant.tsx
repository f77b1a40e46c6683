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

function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isTicking) return
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [isTicking])
  return now
}

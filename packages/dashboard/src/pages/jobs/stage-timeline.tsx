import type { JobPart } from '@osb-backup/protocol/v1'
import { Circle, CircleCheck, CircleX, type LucideIcon } from 'lucide-react'
import { formatDuration } from '../../components/formats.ts'
import { useNow } from '../../components/instant.tsx'
import * as messages from '../../messages/messages.ts'
import classes from './stage-timeline.module.css'

const t = messages.jobs.part
const MS_PER_SECOND = 1000

type Stage = JobPart['stages'][number]

const icons: Record<Stage['state'], LucideIcon> = { running: Circle, succeeded: CircleCheck, failed: CircleX }

/** The stages of a part as bars over its time, with how each ended. */
export function StageTimeline({ stages }: { stages: readonly Stage[] }) {
  const now = useNow(
    stages.some(({ state }) => state === 'running'),
    MS_PER_SECOND,
  )
  const spans = stages.map((stage) => ({ stage, ...spanOf(stage, now) }))
  const from = Math.min(...spans.map(({ start }) => start))
  // A part that took no measurable time has bars of full length.
  const length = Math.max(1, Math.max(...spans.map(({ end }) => end)) - from)
  return (
    <ol className={classes.timeline} aria-label={t.timeline}>
      {spans.map(({ stage: { name, state, attempt }, start, end }, index) => {
        const Icon = icons[state]
        return (
          // A stage that is repeated appears again.
          <li key={`${name} ${index}`} className={classes.stage}>
            <span className={classes.name}>
              <Icon size={14} role="img" aria-label={t.stages[state]} className={classes.icon} data-state={state} />
              {name}
              {attempt > 1 && ` (${t.attempt(attempt.toString())})`}
            </span>
            <svg className={classes.track} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
              <rect
                className={classes.bar}
                data-state={state}
                x={((start - from) / length) * 100}
                width={Math.max(1, ((end - start) / length) * 100)}
                height={10}
              />
            </svg>
            <span className={classes.duration}>{formatDuration((end - start) / MS_PER_SECOND)}</span>
          </li>
        )
      })}
    </ol>
  )
}

/** From when to when a stage ran; until now while it runs. The clock of an agent may differ from this one. */
function spanOf({ startedAt, endedAt, state }: Stage, now: number): { start: number; end: number } {
  const start = startedAt === undefined ? now : Date.parse(startedAt)
  const end = endedAt === undefined ? (state === 'running' ? now : start) : Date.parse(endedAt)
  return { start, end: Math.max(start, end) }
}

import { Group, ScrollArea, Stack, Switch, Text } from '@mantine/core'
import { isEnded, type Job, type JobLog } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { readAnsi } from '../../components/ansi.ts'
import { formatCount } from '../../components/formats.ts'
import { QueryContent } from '../../components/query-content.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import classes from './job-logs.module.css'

const t = messages.jobs.logs
const route = getRouteApi('/jobs/$jobId')
/** Of longer logs the last lines are shown: the browser lays out no more in good time. */
const MAX_LINES = 5000
const FOLLOW_INTERVAL_MS = 2000

/** What the scripts of a job print, as they print it. */
export function JobLogView({ job }: { job: Job }) {
  const { client } = useSession()
  const isRunning = !isEnded(job.state)
  const [isFollowing, setFollowing] = useState(true)
  const logs = useQuery({
    ...queries.jobLogs(client, job.id),
    refetchInterval: isRunning && isFollowing ? FOLLOW_INTERVAL_MS : false,
  })
  return (
    <Section
      title={t.title}
      actions={
        isRunning && (
          <Switch
            label={t.follow}
            checked={isFollowing}
            onChange={(event) => setFollowing(event.currentTarget.checked)}
          />
        )
      }
    >
      <QueryContent query={logs}>
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">{t.empty}</Text>
          ) : (
            <LogLines logs={data} isFollowing={isRunning && isFollowing} />
          )
        }
      </QueryContent>
    </Section>
  )
}

interface Line {
  origin: string
  text: string
  isError: boolean
}

function LogLines({ logs, isFollowing }: { logs: readonly JobLog[]; isFollowing: boolean }) {
  const { log: text = '' } = route.useSearch()
  const navigate = route.useNavigate()
  const setText = (next: string | undefined) =>
    void navigate({ search: { log: next }, replace: true, resetScroll: false })
  const searched = useDeferredValue(text.toLowerCase())
  const lines = useMemo(() => logs.flatMap(linesOf), [logs])
  const matching = useMemo(
    () => (searched === '' ? lines : lines.filter((line) => line.text.toLowerCase().includes(searched))),
    [lines, searched],
  )
  const viewport = useRef<HTMLDivElement>(null)
  const count = matching.length
  useEffect(() => {
    if (isFollowing && count > 0) viewport.current?.scrollTo({ top: viewport.current.scrollHeight })
  }, [isFollowing, count])
  return (
    <Stack gap="xs">
      <Group>
        <SearchField label={t.search} value={text === '' ? undefined : text} onChange={setText} />
        <Text size="sm" c="dimmed">
          {count === 0 ? t.noMatch : t.lines(formatCount(count))}
        </Text>
      </Group>
      <ScrollArea.Autosize
        mah={480}
        viewportRef={viewport}
        viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t.label }}
        className={classes.frame}
      >
        <pre className={classes.lines}>
          {matching.slice(-MAX_LINES).map((line, index) => (
            // Lines have no identity but their place.
            <LogLine key={index.toString()} line={line} />
          ))}
        </pre>
      </ScrollArea.Autosize>
    </Stack>
  )
}

function LogLine({ line: { origin, text, isError } }: { line: Line }) {
  return (
    <div>
      <span className={classes.origin}>{origin}</span>
      {isError && <span className={classes.origin}>stderr </span>}
      {readAnsi(text).map(({ text: run, isBold, color }, index) => (
        <span key={index.toString()} className={classes.run} data-bold={isBold || undefined} data-color={color}>
          {run}
        </span>
      ))}
    </div>
  )
}

const linesOf = ({ item, stage, stream, text }: JobLog): Line[] =>
  text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => ({ origin: `${item} ${stage} `, text: line, isError: stream === 'stderr' }))

import type { FollowedEvent } from '@osb-backup/client'
import { isEnded, type JobEvent } from '@osb-backup/protocol/v1'
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useSession } from '../session/session.tsx'

/** However many jobs change, what is shown is read again at most so often. */
const SHORTEST_INTERVAL_MS = 1000

const jobEndAffects = ['jobs', 'instances', 'restore-points', 'trends', 'plans', 'overview']

/**
 * Follows the manager's events for as long as the page is open, and reads again what they concern.
 *
 * @param onEnded - Called with each job that has ended.
 * @returns Whether events are received at the moment.
 */
export function useLiveUpdates(onEnded: (event: JobEvent) => void): boolean {
  const { client } = useSession()
  const queries = useQueryClient()
  const [isConnected, setConnected] = useState(true)
  useEffect(() => {
    const stopping = new AbortController()
    const stale = new StaleResources(queries)
    let connections = 0
    const onEvent = (followed: FollowedEvent) => {
      switch (followed.type) {
        case 'connected':
          setConnected(true)
          // What changed while the connection was lost is not repeated.
          if (connections++ > 0) void queries.invalidateQueries()
          return
        case 'disconnected':
          return setConnected(false)
        case 'alarm':
          return stale.add(['alarms', 'overview'])
        case 'job':
          stale.add(affectedBy(followed.event))
          if (hasEnded(followed.event)) onEnded(followed.event)
      }
    }
    const follow = async () => {
      for await (const followed of client.followEvents({}, { signal: stopping.signal })) onEvent(followed)
    }
    follow().catch(() => setConnected(false))
    return () => {
      stopping.abort()
      stale.stop()
    }
  }, [client, queries, onEnded])
  return isConnected
}

const hasEnded = ({ changed: { state } }: JobEvent) => state !== undefined && isEnded(state)

function affectedBy(event: JobEvent): readonly string[] {
  if (hasEnded(event)) return jobEndAffects
  return event.changed.state === undefined ? ['jobs'] : ['jobs', 'overview']
}

/** Collects what changed, so that a burst of events reads it once. */
class StaleResources {
  readonly #queries: QueryClient
  readonly #resources = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(queries: QueryClient) {
    this.#queries = queries
  }

  add(resources: readonly string[]): void {
    for (const resource of resources) this.#resources.add(resource)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const changed = new Set(this.#resources)
      this.#resources.clear()
      void this.#queries.invalidateQueries({ predicate: ({ queryKey }) => changed.has(String(queryKey[0])) })
    }, SHORTEST_INTERVAL_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

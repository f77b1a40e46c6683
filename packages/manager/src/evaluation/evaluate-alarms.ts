import { isDeepStrictEqual } from 'node:util'
import { type AlarmState, alarmKey, alarmsOf } from '@osb-backup/core'
import type { StoredAlarmState } from '../alarms/alarm.ts'
import { gatherFacts } from '../alarms/gather-facts.ts'
import { deleteOldReports } from '../alarms/reports-repository.ts'
import * as repository from '../alarms/repository.ts'
import { claimSharedTask } from '../alarms/shared-tasks-repository.ts'
import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import { enqueueAlarms } from '../notifications/enqueue.ts'
import { newIdentifier } from '../shared/identifier.ts'

type EvaluationContext = Pick<Context, 'database' | 'settings' | 'log'>

/**
 * Evaluates the alarms, if no other manager did so within the interval: gathers the facts, decides, and stores what changed.
 * Whatever fails changes nothing, and the next evaluation decides again.
 */
export async function evaluateAlarms(context: EvaluationContext): Promise<void> {
  if (!(await claimSharedTask(context, 'evaluate alarms', context.settings.alarmIntervalSeconds))) return
  await deleteOldReports(context)
  const facts = await gatherFacts(context)
  const { now } = facts
  await inTransaction(context, async (tx) => {
    if (!(await repository.lockEvaluation(tx))) return
    const stored = new Map((await repository.openStates(tx)).map((state) => [alarmKey(state), state]))
    const changes = alarmsOf(facts, [...stored.values()])
    const withId = (state: AlarmState): StoredAlarmState => ({
      ...state,
      id: stored.get(alarmKey(state))?.id ?? newIdentifier(now),
    })
    const changed = changes.stored.map(withId).filter((state) => hasChanged(state, stored.get(alarmKey(state))))
    await repository.upsertStates(tx, changed, now)
    const resolved = changes.resolved.map(withId)
    await repository.resolveAlarms(tx, idsOf(resolved), now)
    await repository.deleteStates(tx, idsOf(changes.dropped.map(withId)))
    const raisedKeys = new Set(changes.raised.map(alarmKey))
    const raised = changed.filter((state) => raisedKeys.has(alarmKey(state)))
    await repository.notifyAlarms(tx, [...idsOf(raised), ...idsOf(resolved)])
    const escalated = changed.flatMap((state) => {
      const before = stored.get(alarmKey(state))
      return before?.isRaised === true && before.severity !== state.severity
        ? [{ ...state, since: before.since ?? now, previousSeverity: before.severity }]
        : []
    })
    const notified = {
      raised: raised.map((state) => ({ ...state, since: now })),
      escalated,
      resolved: resolved.map((state) => ({ ...state, since: stored.get(alarmKey(state))?.since ?? now, until: now })),
    }
    await enqueueAlarms(tx, notified, now)
  })
}

const idsOf = (states: readonly StoredAlarmState[]) => states.map(({ id }) => id)

/** Counting on changes nothing once an alarm was raised: a condition that stays bad is not written again and again. */
function hasChanged(state: StoredAlarmState, before: StoredAlarmState | undefined): boolean {
  if (before?.isRaised !== true) return true
  return !isDeepStrictEqual({ ...state, badCount: 0, since: undefined }, { ...before, badCount: 0, since: undefined })
}

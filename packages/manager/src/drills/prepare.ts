import { beginDrillStep, endDrillStep, updateDrill } from '../jobs/drills-repository.ts'
import { beginParts } from '../jobs/part-results.ts'
import { cancelledText, type DrillRun, inDrill, LOOK_AGAIN_MS, toCleanUp } from './drill-run.ts'
import { prepareTarget } from './target-kinds.ts'

/** Prepares the target of a drill, until it is ready. */
export async function prepare(run: DrillRun): Promise<number> {
  const { context, job, cancelledBy, call } = run
  if (cancelledBy !== undefined) {
    const failure = cancelledText(cancelledBy)
    await inDrill(run, async (tx) => {
      await endDrillStep(tx, job.id, 'prepare', { succeeded: false, detail: failure })
      await toCleanUp(tx, job.id, failure)
    })
    return 0
  }
  await inDrill(run, async (tx) => {
    if (job.status === 'STARTED') await beginParts(tx, job.id)
    await beginDrillStep(tx, job.id, 'prepare')
  })
  const { kind } = job.drill.target
  const prepared = await prepareTarget(context, kind, call)
  switch (prepared.state) {
    case 'pending':
      return LOOK_AGAIN_MS
    case 'failed':
      context.log.warn({ reason: prepared.reason }, 'the target of a drill cannot be used')
      await inDrill(run, async (tx) => {
        await endDrillStep(tx, job.id, 'prepare', { succeeded: false, detail: prepared.reason })
        await toCleanUp(tx, job.id, prepared.reason)
      })
      return 0
    case 'ready': {
      const { instanceId: targetInstanceId, database: targetDatabase } = prepared
      await inDrill(run, async (tx) => {
        await endDrillStep(tx, job.id, 'prepare', { succeeded: true, detail: `The instance ${targetInstanceId}.` })
        await updateDrill(tx, job.id, { step: 'restore', targetInstanceId, targetDatabase })
      })
      return 0
    }
  }
}

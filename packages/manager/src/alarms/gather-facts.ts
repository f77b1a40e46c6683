import { X509Certificate } from 'node:crypto'
import { type AlarmFacts, type DrillFacts, type ExpiryFacts, type ItemFacts, soonestExpiry } from '@osb-backup/core'
import { VERSION } from '@osb-backup/node'
import { readClockState } from '../clock/service.ts'
import type { Context } from '../context/context.ts'
import { activeExemptions } from '../exemptions/repository.ts'
import { judgeAllInstances, type ProtectedItem } from '../protection/service.ts'
import {
  agentCertificates,
  agentFacts,
  databaseSize,
  destinationCertificates,
  destinationCredentials,
  destinationFacts,
  lockFacts,
  orphanFacts,
  planFacts,
  pointFacts,
  policyFailures,
  tokenFacts,
} from './facts-repository.ts'
import { listCertificates, listReports } from './reports-repository.ts'

const GIGABYTE = 1024 ** 3

/** Gathers what alarms depend on. Nothing is locked, and no secret is opened. */
export async function gatherFacts(context: Pick<Context, 'database' | 'settings'>): Promise<AlarmFacts> {
  const items = await itemFacts(context)
  const { now, jump } = await readClockState(context)
  return {
    now,
    version: VERSION,
    items,
    exemptInstanceIds: new Set((await activeExemptions(context, 'all')).keys()),
    policyFailures: await policyFailures(context),
    plans: await planFacts(context),
    locks: await lockFacts(context),
    agents: await agentFacts(context),
    destinations: await destinationFacts(context),
    tokens: await tokenFacts(context),
    certificates: await certificateFacts(context, now),
    credentials: await destinationCredentials(context),
    managers: await listReports(context),
    orphans: await orphanFacts(context),
    clockJump: jump,
    provenMaxAgeDays: context.settings.provenMaxAgeDays,
    database: await databaseFacts(context),
  }
}

async function certificateFacts(context: Pick<Context, 'database'>, now: Date): Promise<ExpiryFacts[]> {
  const lists = [...(await listCertificates(context)), ...(await destinationCertificates(context))]
  const trusted = lists.flatMap(({ expiries, ...of }) => {
    const expiresAt = soonestExpiry(expiries, now)
    return expiresAt === undefined ? [] : [{ ...of, expiresAt }]
  })
  const ofAgents = (await agentCertificates(context)).map(({ certificate, ...of }) => {
    const { validFromDate, validToDate } = new X509Certificate(certificate)
    return { ...of, renewedLifetimeMs: validToDate.getTime() - validFromDate.getTime() }
  })
  return [...trusted, ...ofAgents]
}

async function itemFacts(context: Pick<Context, 'database'>): Promise<ItemFacts[]> {
  const points = new Map(
    (await pointFacts(context)).map((point) => [JSON.stringify([point.instanceId, point.item]), point]),
  )
  const found: ItemFacts[] = []
  for await (const { instanceId, items } of judgeAllInstances(context, 'all')) {
    for (const { name: item, protection, proof, coveredSince } of items) {
      const { suspiciousPoint, brokenPoints = 0 } = points.get(JSON.stringify([instanceId, item])) ?? {}
      const drill = coveredSince && { coveredSince, provenAt: proof?.provenAt, failure: failureOf(proof) }
      found.push({ instanceId, item, protection, suspiciousPoint, brokenPoints, drill })
    }
  }
  return found
}

async function databaseFacts(context: Pick<Context, 'database' | 'settings'>): Promise<AlarmFacts['database']> {
  const { databaseSizeLimitGb } = context.settings
  if (databaseSizeLimitGb === undefined) return undefined
  return { sizeBytes: await databaseSize(context), limitBytes: databaseSizeLimitGb * GIGABYTE }
}

function failureOf(proof: ProtectedItem['proof']): DrillFacts['failure'] {
  const { lastDrill } = proof ?? {}
  if (lastDrill?.failure === undefined) return undefined
  return { jobId: lastDrill.jobId, reason: lastDrill.failure, at: lastDrill.at }
}

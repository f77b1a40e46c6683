import { createHash } from 'node:crypto'
import { readFile, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ManagerFacts } from '@osb-backup/core'
import { certificateExpiries, VERSION } from '@osb-backup/node'
import type { Call } from '../access/call.ts'
import { requireAllInstances } from '../access/limits.ts'
import type { Context } from '../context/context.ts'
import { deleteReport, listReports, type ManagerReport, writeReport } from './reports-repository.ts'

/** More are those of a system, which are renewed with it. */
const MAX_AUTHORITIES = 100

type ReportContext = Pick<Context, 'database' | 'settings' | 'clock' | 'log'>

/** Reports that this manager is alive, and what only it knows: how its clock and its disk are. */
export async function reportManager(context: ReportContext): Promise<void> {
  const { skewMs, isSkewed } = context.clock
  await writeReport(context, {
    ...identityOf(context),
    version: VERSION,
    skewSeconds: isSkewed && skewMs !== undefined ? Math.round(skewMs / 1000) : undefined,
    disk: await diskOf(context),
    certificates: await certificatesOf(context),
  })
}

/** Withdraws the report of this manager, which is being stopped: it is not missed. */
export function withdrawReport(context: ReportContext): Promise<void> {
  return deleteReport(context, identityOf(context).id)
}

/** A manager as it reported itself last. */
export type ReportedManager = ManagerFacts & Pick<ManagerReport, 'version'>

/**
 * The managers that share the database, by name.
 *
 * @throws {RequestError} `forbidden`, for callers of some service instances.
 */
export async function listManagers(context: Pick<Context, 'database'>, call: Call): Promise<ReportedManager[]> {
  await requireAllInstances(call)
  const managers = await listReports(context)
  return managers.toSorted((one, other) => one.name.localeCompare(other.name))
}

/** The same after a restart, so that a manager which crashed and was started again is not missed. */
function identityOf({ settings }: ReportContext): { id: string; name: string } {
  const name = `${hostname()}:${settings.port}`
  return { id: createHash('sha256').update(`${name} ${settings.dataDirectory}`).digest('hex').slice(0, 24), name }
}

async function diskOf({ settings, log }: ReportContext): Promise<ManagerFacts['disk']> {
  try {
    const { bavail, blocks, bfree, bsize } = await statfs(settings.dataDirectory)
    // What is reserved for root counts as used up for everybody else.
    return { freeBytes: bavail * bsize, sizeBytes: (blocks - bfree + bavail) * bsize }
  } catch (error) {
    log.debug({ err: error }, 'the space of DATA_DIR is unknown')
    return undefined
  }
}

/** The certificates that it shows, and those of the authorities that it trusts. */
async function certificatesOf({ settings, log }: ReportContext): Promise<ManagerReport['certificates']> {
  const found: ManagerReport['certificates'] = []
  const { credHub, oidc } = settings
  const shown = [settings.tlsCertificateFile, settings.agentCertificateFile, credHub?.tlsFiles.cert?.path]
  const trusted = [settings.agentCaFile, credHub?.tlsFiles.ca?.path, oidc?.caFile]
  for (const file of new Set([...shown, ...trusted])) {
    if (file === undefined) continue
    try {
      const expiries = certificateExpiries(await readFile(file, 'utf8')).map((each) => each.toISOString())
      // A chain is as good as its weakest certificate; of authorities any may be in use.
      const expiresAt = shown.includes(file) ? expiries.toSorted().slice(0, 1) : expiries.slice(0, MAX_AUTHORITIES)
      found.push({ file, expiresAt })
    } catch (error) {
      log.warn({ err: error, file }, 'a certificate cannot be read: nobody is told when it expires')
    }
  }
  return found
}

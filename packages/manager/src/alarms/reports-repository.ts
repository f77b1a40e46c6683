import type { ExpiryFacts, ManagerFacts } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/** After so long a manager that disappeared was replaced by another one for good. */
const FORGOTTEN_AFTER_HOURS = 24

/** What a manager reports of itself. */
export interface ManagerReport extends Omit<ManagerFacts, 'reportedAt'> {
  version: string
  certificates: { file: string; expiresAt: string[] }[]
}

/** Records a report, by the database's clock. */
export async function writeReport({ database }: { database: Database }, report: ManagerReport): Promise<void> {
  const values = {
    name: report.name,
    version: report.version,
    reported_at: sql<Date>`now()`,
    skew_seconds: report.skewSeconds ?? null,
    disk_free_bytes: report.disk === undefined ? null : String(report.disk.freeBytes),
    disk_size_bytes: report.disk === undefined ? null : String(report.disk.sizeBytes),
    certificates: JSON.stringify(report.certificates),
  }
  await database
    .insertInto('manager_reports')
    .values({ id: report.id, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

/** Forgets a manager that is being stopped. */
export async function deleteReport({ database }: { database: Database }, id: string): Promise<void> {
  await database.deleteFrom('manager_reports').where('id', '=', id).execute()
}

/** Forgets managers that disappeared long ago. */
export async function deleteOldReports({ database }: { database: Database }): Promise<void> {
  const before = sql<Date>`now() - make_interval(hours => ${FORGOTTEN_AFTER_HOURS})`
  await database.deleteFrom('manager_reports').where('reported_at', '<', before).execute()
}

/** What the managers reported last, but for their certificates. */
export async function listReports({
  database,
}: {
  database: Database
}): Promise<(ManagerFacts & Pick<ManagerReport, 'version'>)[]> {
  const rows = await database.selectFrom('manager_reports').selectAll().orderBy('id').execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    version: row.version,
    reportedAt: row.reported_at,
    skewSeconds: row.skew_seconds ?? undefined,
    disk:
      row.disk_free_bytes === null
        ? undefined
        : { freeBytes: Number(row.disk_free_bytes), sizeBytes: Number(row.disk_size_bytes) },
  }))
}

/** A file or a setting with certificates. */
export interface StoredCertificates extends Omit<ExpiryFacts, 'expiresAt'> {
  /** When each of them expires. */
  expiries: Date[]
}

/** The certificates that the managers show or trust. */
export async function listCertificates({ database }: { database: Database }): Promise<StoredCertificates[]> {
  const rows = await database.selectFrom('manager_reports').select(['id', 'name', 'certificates']).execute()
  return rows.flatMap(({ id, name, certificates }) =>
    certificates.map(({ file, expiresAt }) => ({
      id: `${id} ${file}`,
      name: `${file} of ${name}`,
      expiries: expiresAt.map((each) => new Date(each)),
    })),
  )
}

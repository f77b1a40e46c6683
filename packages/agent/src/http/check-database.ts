import { err, ok, type Result, type RunKind } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import type { AgentDatabase } from '@osb-backup/protocol'
import type { DatabaseAccess } from '../jobs/job-request.ts'
import { componentProblem, valueProblem } from './safe-text.ts'

/** Validates how scripts reach the database. Its required fields are present. */
export function checkDatabase(kind: RunKind, wire: AgentDatabase): Result<DatabaseAccess> {
  const { host = '', port, username = '', password = '', backupUsername, backupPassword, database: name = '' } = wire
  const isPort = port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535)
  const problem =
    componentProblem(`${kind}.host`, host) ??
    componentProblem(`${kind}.database`, name) ??
    (username.startsWith('-') ? `${kind}.username must not begin with a dash` : undefined) ??
    valueProblem(`${kind}.username`, username) ??
    valueProblem(`${kind}.password`, password) ??
    valueProblem(`${kind}.backupUsername`, backupUsername ?? '') ??
    valueProblem(`${kind}.backupPassword`, backupPassword ?? '') ??
    (isPort ? undefined : `${kind}.port must be a whole number up to 65535`)
  if (problem !== undefined) return err(problem)
  // The Java manager sends 0 where a host has no port.
  return ok(omitUndefined({ host, port: port || undefined, username, password, backupUsername, backupPassword, name }))
}

import type { AgentStatus } from '@osb-backup/protocol'
import type { Checked } from '../checked.ts'
import type { ScriptPack } from '../scripts/script-pack.ts'
import { AGENT_VERSION } from '../version.ts'

/** What this agent does beyond the published protocol. */
const capabilities = ['cancel', 'progress', 'sha256', 'destination.endpoint', 'destination.directory'] as const
/** What scripts of form 2 add to it. */
const streamed = ['stream', 'compression.zstd', 'encryption.age'] as const

/** The answer to `GET /status`. The message is the published one; the rest is ours. */
export function statusAnswer(pack: Checked<ScriptPack>): AgentStatus {
  return { message: 'Client is running', version: AGENT_VERSION, ...scriptFields(pack) }
}

function scriptFields(pack: Checked<ScriptPack>): Record<string, unknown> {
  if (!pack.ok) return { scripts: { problem: pack.problem }, capabilities }
  if (pack.value.form === 1) return { scripts: { form: 1 }, capabilities }
  const { name, type } = pack.value
  return { scripts: { form: 2, name, type }, capabilities: [...capabilities, ...streamed] }
}

import type { AgentFacts } from '@osb-backup/core'
import type { ReportedPack } from '@osb-backup/protocol'
import type { AgentAddress } from './agent-answer.ts'

/** The daemon beside databases that runs jobs. Several instances may share one. */
export interface Agent extends AgentAddress {
  id: string
  /** Incremented by every change of its settings. */
  version: number
  /** For people. */
  name: string | undefined
  /** By which it is managed together with others; undefined: it is not. */
  label?: string | undefined
  /** Registered along with an instance over the legacy paths; deleted when no instance uses it any more. */
  isImplicit: boolean
  createdAt: Date
  /** When the certificate of an enrolled agent expires; undefined: it was not enrolled. */
  certificateExpiresAt: Date | undefined
  health: AgentHealth
}

/** The URL of an agent as it is stored with parts: two agents with the same one are the same. */
export function normalizeAgentUrl(url: string): string {
  return url.toLowerCase().replace(/\/+$/, '')
}

/** An agent that is not stored yet. */
export type NewAgent = Pick<Agent, 'url' | 'username' | 'password' | 'name' | 'label'>

/** What the checks found. */
export interface AgentHealth {
  /** Undefined: it was never asked. */
  isReachable: boolean | undefined
  /** Why it is not reachable. */
  error: string | undefined
  /** What it reported when it was last reachable. */
  agentVersion: string | undefined
  capabilities: string[]
  packs: ReportedPack[]
  /** Why it accepts no new jobs until its settings are corrected, as it reported. */
  startProblem: string | undefined
  /** How far its clock is ahead of PostgreSQL's, where that is more than allowed. */
  skewSeconds: number | undefined
  disks: AgentFacts['disks']
  lastSeenAt: Date | undefined
  lastCheckedAt: Date | undefined
}

/** The health of an agent that was never asked. */
export const UNKNOWN_HEALTH: AgentHealth = {
  isReachable: undefined,
  error: undefined,
  agentVersion: undefined,
  capabilities: [],
  packs: [],
  startProblem: undefined,
  skewSeconds: undefined,
  disks: [],
  lastSeenAt: undefined,
  lastCheckedAt: undefined,
}

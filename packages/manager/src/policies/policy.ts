import type { Floor, PolicySelector } from '@osb-backup/core'
import type { PlanTemplate } from '../plan-templates/template.ts'

/** Which instances are backed up how, and what none of their plans may fall below. */
export interface Policy {
  id: string
  /** Incremented by every change. */
  version: number
  name: string
  /** By which it is managed together with others; undefined: it is not. */
  label: string | undefined
  description: string | undefined
  /** Of several policies that select an instance the one with the largest wins; of equal ones the oldest. */
  priority: number
  selector: PolicySelector
  /** Undefined: it only sets a floor. */
  template: PlanTemplate | undefined
  floor: Floor | undefined
  /** Whether its plans may be paused and resumed by hand. */
  mayPause: boolean
  createdAt: Date
}

/** How plans name the policies that maintain them. */
export const POLICY_PREFIX = 'policy:'
export const managedByPolicy = (policyId: string): string => `${POLICY_PREFIX}${policyId}`

/** A policy as the choice between policies sees it. */
export const toRanked = (policy: Policy) => ({ ...policy, hasTemplate: policy.template !== undefined })

import type {
  PolicyCreate,
  PolicyPatch,
  PolicyViolation,
  PolicyAssignment as WireAssignment,
  Policy as WirePolicy,
  PolicyPreview as WirePreview,
} from '@osb-backup/protocol/v1'
import { type Violation, violationText } from '../../floors/service.ts'
import { settingsOfTemplate, templateFromWire, templateToWire } from '../../plan-templates/codec.ts'
import type { PolicyAssignment } from '../../policies/assignments.ts'
import type { Policy } from '../../policies/policy.ts'
import type { PolicyPreview, PreviewedInstance } from '../../policies/preview.ts'
import { type NewPolicy, namingTemplateField, type VisiblePolicy } from '../../policies/service.ts'

/** A policy as the API answers it. */
export function policyToWire(policy: VisiblePolicy): WirePolicy {
  const { id, name, label, description, priority, selector, template, floor, mayPause, createdAt } = policy
  return {
    ...{ id, name, label, description, priority, mayPause },
    selector: selector as WirePolicy['selector'],
    template: template && templateToWire(template),
    floor: floor as WirePolicy['floor'],
    createdAt: createdAt.toISOString(),
  }
}

/**
 * A policy as a client sent it.
 *
 * @param stored - What it replaces: secrets that are not sent stay, where they may.
 */
export async function policyFromWire(wire: PolicyCreate, stored?: Policy): Promise<NewPolicy> {
  const { name, label, description, priority = 0, selector, template, floor, mayPause = false } = wire
  return {
    ...{ name, label, description, priority, selector, floor, mayPause },
    template: template && (await namingTemplateField(async () => templateFromWire(template, stored?.template))),
  }
}

/**
 * A policy as a client would send it, before a merge patch is applied: a retention of another style, and a store of another
 * kind, replace the stored ones, whose fields mean nothing to them.
 */
export function settingsOfPolicy(policy: Policy, patch: PolicyPatch): PolicyCreate {
  const { name, label, description, priority, selector, template, floor, mayPause } = policy
  const settings = template && settingsOfTemplate(template)
  const { retention, destination } = patch.template ?? {}
  if (settings !== undefined && isOther(retention?.style, settings.retention.style)) {
    settings.retention = { style: settings.retention.style }
  }
  if (settings !== undefined && isOther(destination?.store?.kind, settings.destination.store.kind)) {
    settings.destination = {} as typeof settings.destination
  }
  return {
    ...{ name, label, description, priority, mayPause, template: settings },
    selector: selector as PolicyCreate['selector'],
    floor: floor as PolicyCreate['floor'],
  }
}

const isOther = (wanted: string | null | undefined, stored: string) =>
  wanted !== undefined && wanted !== null && wanted !== stored

/** What a change would do, as the API answers it. */
export function previewToWire({ counts, instances, isTruncated, violations }: PolicyPreview): WirePreview {
  const points = instances.flatMap(({ restorePoints }) => restorePoints)
  const deletedRestorePoints = points.filter(({ keptBecause }) => keptBecause.length === 0).length
  return {
    counts: { ...counts, deletedRestorePoints },
    instances: instances.map(previewedToWire),
    isTruncated,
    violations: violations.flatMap(({ planId, name: planName, violations: found }) =>
      found.map((violation) => violationToWire({ ...violation, planId, planName })),
    ),
  }
}

function previewedToWire(previewed: PreviewedInstance): WirePreview['instances'][number] {
  const { instanceId, effect, from, to, planId, changes, problem, restorePoints } = previewed
  return {
    ...{ instanceId, effect, planId, changes, problem },
    fromPolicyId: from?.id,
    toPolicyId: to && storedId(to.id),
    restorePoints: restorePoints.map(({ point, keptBecause }) => ({
      id: point.id,
      item: point.item,
      takenAt: point.takenAt.toISOString(),
      kept: keptBecause.length > 0,
      keptBecause,
    })),
  }
}

/** A policy that is not stored has no id yet. */
const storedId = (id: string) => (id === '' ? undefined : id)

function violationToWire(violation: Violation & { planId: string; planName: string }): PolicyViolation {
  const { planId, planName, policyId, rule } = violation
  return { planId, planName, policyId: storedId(policyId), rule, message: violationText(violation) }
}

/** What an instance follows, as the API answers it. */
export function assignmentToWire(assignment: PolicyAssignment): WireAssignment {
  const { instanceId, policy, overruled, planId, exemptUntil, checked, violations } = assignment
  return {
    instanceId,
    policyId: policy?.id,
    policyName: policy?.name,
    overruled,
    planId,
    exemptUntil: exemptUntil?.toISOString(),
    checkedAt: checked?.checkedAt?.toISOString(),
    problem: checked?.error,
    violations: violations.map(violationToWire),
  }
}

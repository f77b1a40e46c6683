import type { PolicyPreview, PreviewedInstance } from '@osb-backup/protocol/v1'
import { localInstant } from '../output/describe.ts'
import type { Style } from '../output/style.ts'

/** What a change of policies would do, for people. */
export function previewLines({ counts, instances, isTruncated, violations }: PolicyPreview, style: Style): string[] {
  const { selected, gains, changes, loses, exempt, deletedRestorePoints } = counts
  return [
    `Selects ${selected} service instances: ${gains} get a plan, ${changes} change, ${loses} lose their policy, ${exempt} are exempt.`,
    ...(deletedRestorePoints === 0
      ? []
      : [style('yellow', `The new retention would delete ${deletedRestorePoints} restore points.`)]),
    ...instances.flatMap((instance) => instanceLines(instance, style)),
    ...(isTruncated ? ['  … and more.'] : []),
    ...(violations.length === 0 ? [] : ['', 'Existing plans below the floor, which stay as they are:']),
    ...violations.map(({ planName, planId, message }) => `  ${planName} (${planId}): ${message}`),
  ]
}

const effects: Readonly<Record<PreviewedInstance['effect'], string>> = {
  gains: 'gets a plan',
  changes: 'changes',
  loses: 'loses its policy; its plan is left to it',
  exempt: 'is exempt',
  none: 'stays as it is',
}

function instanceLines(instance: PreviewedInstance, style: Style): string[] {
  const { instanceId, effect, changes, problem, restorePoints } = instance
  const what = changes.length === 0 ? '' : `: ${changes.join(', ')}`
  return [
    `  ${instanceId} ${effects[effect]}${what}`,
    ...(problem === undefined ? [] : [`    ${style('red', problem)}`]),
    ...restorePoints.map(
      ({ id, item, takenAt, kept, keptBecause }) =>
        `    ${kept ? 'keeps  ' : 'deletes'}  ${localInstant(takenAt)}  ${item}  ${id}${kept ? `  (${keptBecause.join(', ')})` : ''}`,
    ),
  ]
}

import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { readDurations } from './durations.ts'

/** What a file is taken for that is not recorded, in seconds. */
const UNKNOWN_SECONDS = 5

/**
 * Starts the files that take longest first: one that starts last would run alone at the end. Vitest's own order needs the
 * results of an earlier run, which a fresh clone does not have.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const durations = await readDurations()
    const { root } = this.ctx.config
    const secondsOf = ({ project, moduleId }: TestSpecification) =>
      project.name === 'unit' ? 0 : (durations[relative(root, moduleId)] ?? UNKNOWN_SECONDS)
    return files.toSorted((a, b) => secondsOf(b) - secondsOf(a))
  }
}

/**
 * Every state of a job and of its parts, worst first: a job is in the worst of its parts' states. The one table that
 * manager, clients and pages read.
 */
const jobStates = {
  /** Whether it runs cannot be said. */
  UNKNOWN: { isOver: false },
  RUNNING: { isOver: false },
  /** Written down; it waits for its turn, or for its agent. */
  STARTED: { isOver: false },
  FAILED: { isOver: true },
  SUCCEEDED: { isOver: true },
} as const satisfies Record<string, { isOver: boolean }>

export type JobStatus = keyof typeof jobStates

/** Worst first. */
export const jobStatuses = Object.keys(jobStates) as [JobStatus, ...JobStatus[]]

/** Whether a state is final: nothing runs any more, and nothing will. */
export function isOver(status: JobStatus): boolean {
  return jobStates[status].isOver
}

/**
 * Everything that the dashboard says, in English: to translate it, translate this folder. Imported as a namespace
 * (`import * as messages`), so that a page loads its own messages and not those of the others.
 */
export { aboutMessages as about } from './about.ts'
export { accessMessages as access, auditMessages as audit } from './access.ts'
export { agentMessages as agents } from './agents.ts'
export { alarmMessages as alarms } from './alarms.ts'
export { destinationMessages as destinations } from './destinations.ts'
export { instanceMessages as instances } from './instances.ts'
export { jobMessages as jobs } from './jobs.ts'
export { notificationMessages as notifications } from './notifications.ts'
export { overviewMessages as overview } from './overview.ts'
export { planMessages as plans } from './plans.ts'
export { restoreMessages as restore } from './restore.ts'
export { restorePointMessages as restorePoints } from './restore-points.ts'
export { shellMessages as shell, signInMessages as signIn, stateMessages as states } from './shell.ts'

export const product = 'OSB Backup Manager'

import { aboutMessages } from './about.ts'
import { accessMessages, auditMessages } from './access.ts'
import { agentMessages } from './agents.ts'
import { alarmMessages } from './alarms.ts'
import { destinationMessages } from './destinations.ts'
import { instanceMessages } from './instances.ts'
import { jobMessages } from './jobs.ts'
import { notificationMessages } from './notifications.ts'
import { overviewMessages } from './overview.ts'
import { planMessages } from './plans.ts'
import { restoreMessages } from './restore.ts'
import { restorePointMessages } from './restore-points.ts'
import { shellMessages, signInMessages, stateMessages } from './shell.ts'

/** Everything that the dashboard says, in English: to translate it, translate this folder. */
export const messages = {
  product: 'OSB Backup Manager',
  shell: shellMessages,
  signIn: signInMessages,
  states: stateMessages,
  overview: overviewMessages,
  instances: instanceMessages,
  jobs: jobMessages,
  plans: planMessages,
  restore: restoreMessages,
  restorePoints: restorePointMessages,
  destinations: destinationMessages,
  agents: agentMessages,
  alarms: alarmMessages,
  notifications: notificationMessages,
  access: accessMessages,
  audit: auditMessages,
  about: aboutMessages,
} as const

import { Badge, type MantineColor } from '@mantine/core'
import type { AgentState, AlarmSeverity, DeliveryState, JobState, ProtectionState } from '@osb-backup/protocol/v1'
import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleHelp,
  CircleX,
  Clock,
  Info,
  LoaderCircle,
  type LucideIcon,
  ShieldAlert,
  ShieldCheck,
  ShieldOff,
  ShieldQuestionMark,
  ShieldX,
  Unplug,
} from 'lucide-react'
import * as messages from '../messages/messages.ts'

/** A state is never shown by its color alone: each has a word and an icon of its own. */
interface Look {
  color: MantineColor
  Icon: LucideIcon
}

const jobLooks: Record<JobState, Look> = {
  queued: { color: 'gray', Icon: Clock },
  running: { color: 'blue', Icon: LoaderCircle },
  succeeded: { color: 'green', Icon: CircleCheck },
  failed: { color: 'red', Icon: CircleX },
  cancelled: { color: 'gray', Icon: Ban },
  unknown: { color: 'orange', Icon: CircleHelp },
}

export const protectionLooks: Record<ProtectionState, Look> = {
  protected: { color: 'green', Icon: ShieldCheck },
  'at-risk': { color: 'orange', Icon: ShieldAlert },
  unprotected: { color: 'red', Icon: ShieldX },
  unknown: { color: 'gray', Icon: ShieldQuestionMark },
  exempt: { color: 'gray', Icon: ShieldOff },
}

const severityLooks: Record<AlarmSeverity, Look> = {
  info: { color: 'blue', Icon: Info },
  warning: { color: 'orange', Icon: CircleAlert },
  critical: { color: 'red', Icon: CircleX },
}

const deliveryLooks: Record<DeliveryState, Look> = {
  waiting: { color: 'gray', Icon: Clock },
  failing: { color: 'orange', Icon: CircleAlert },
  delivered: { color: 'green', Icon: CircleCheck },
  'given-up': { color: 'red', Icon: CircleX },
}

const agentLooks: Record<AgentState, Look> = {
  reachable: { color: 'green', Icon: CircleCheck },
  unreachable: { color: 'red', Icon: Unplug },
  unknown: { color: 'gray', Icon: CircleHelp },
}

const ICON_SIZE = 14

function StateBadge({ look: { color, Icon }, children }: { look: Look; children: string }) {
  return (
    <Badge
      variant="default"
      tt="none"
      fw={500}
      size="lg"
      miw="max-content"
      leftSection={<Icon size={ICON_SIZE} color={`var(--mantine-color-${color}-text)`} aria-hidden />}
    >
      {children}
    </Badge>
  )
}

/** The state of a job or of a part of it. */
export const JobStateBadge = ({ state }: { state: JobState }) => (
  <StateBadge look={jobLooks[state]}>{messages.states.jobs[state]}</StateBadge>
)

/** Whether something could be restored. */
export const ProtectionBadge = ({ state }: { state: ProtectionState }) => (
  <StateBadge look={protectionLooks[state]}>{messages.states.protection[state]}</StateBadge>
)

/** How urgent an alarm is. */
export const SeverityBadge = ({ severity }: { severity: AlarmSeverity }) => (
  <StateBadge look={severityLooks[severity]}>{messages.states.severity[severity]}</StateBadge>
)

/** What became of the delivery of a message. */
export const DeliveryBadge = ({ state }: { state: DeliveryState }) => (
  <StateBadge look={deliveryLooks[state]}>{messages.states.deliveries[state]}</StateBadge>
)

/** Whether an agent answers. */
export const AgentStateBadge = ({ state }: { state: AgentState }) => (
  <StateBadge look={agentLooks[state]}>{messages.states.agents[state]}</StateBadge>
)

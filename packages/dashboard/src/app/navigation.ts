import {
  Archive,
  Boxes,
  CalendarClock,
  Database,
  History,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  Server,
} from 'lucide-react'
import { messages } from '../messages/messages.ts'

const { pages } = messages.shell

/** The pages of the main navigation, each with the key that opens it after `g`. */
export const navigation = [
  { to: '/', label: pages.overview, Icon: LayoutDashboard, key: 'o' },
  { to: '/instances', label: pages.instances, Icon: Boxes, key: 'i' },
  { to: '/plans', label: pages.plans, Icon: CalendarClock, key: 'p' },
  { to: '/jobs', label: pages.jobs, Icon: ListChecks, key: 'j' },
  { to: '/restore-points', label: pages.restorePoints, Icon: Archive, key: 's' },
  { to: '/restore', label: pages.restore, Icon: History, key: 'r' },
  { to: '/destinations', label: pages.destinations, Icon: Database, key: 'd' },
  { to: '/agents', label: pages.agents, Icon: Server, key: 'a' },
] as const satisfies readonly { to: string; label: string; Icon: LucideIcon; key: string }[]
